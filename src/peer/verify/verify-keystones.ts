import {
  type Address,
  decodeText,
  gibOf,
  ibOf,
  type IbGib,
  nOf,
  parseAddress,
  previousOf,
  tjpOf,
} from "../../ibgib/index.js";
import {
  type Claim,
  checkFrame,
  checkIdentityFrames,
  claimOf,
  decodeUnsigned,
  delegationIn,
  type KeystoneState,
  readIdentity,
  resume,
  startIdentity,
  startLane,
  startReceiverSession,
  startReplay,
  startSenderSession,
  type UnsignedFrame,
} from "../../keystone/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, checkCell, readCell, readCells } from "../home/cells.js";
import { branchesGroup, identityAt } from "../home/identity-branches.js";
import { journalKey } from "../home/signer.js";
import { detailOf, type Problem, problem } from "./verify-problem.js";

/**
 * Replays the keystone that `first` founds from its stored frames, every proof checked anew, and compares what the
 * space keeps about it: the frame its signer has reserved, how far it says it has verified it, who delegated it, and
 * the contexts its turns are about. Memory is that of one keystone's frames and contexts.
 */
export async function* verifyKeystone(space: Space, first: Address): AsyncGenerator<Problem> {
  const filed = await space.proofs(first);
  const frames = framesOf(filed);
  const [genesis] = frames;
  if (genesis?.address !== first) return yield problem(first, "keystone", "no genesis");
  const broken = replayKeystone(genesis, frames);
  if (broken !== undefined) return yield broken;
  switch (genesis.ib) {
    case "keystone.identity":
      yield* verifyJournal(space, first, frames);
      if (filed.some((frame, place) => nOf(frame) !== place))
        yield problem(first, "place", "frames out of order");
      return yield* verifyKnown(space, first, frames);
    case "keystone.lane":
      yield* verifyJournal(space, first, frames);
      yield* verifyDelegated(space, genesis);
      return yield* verifySessions(space, genesis, frames);
    default:
      return yield* verifyContexts(space, frames);
  }
}

/** The frames among a group's proofs, in the order of their numbers. */
export function framesOf(proofs: readonly IbGib[]): readonly IbGib[] {
  return proofs.filter(({ ib }) => ib.startsWith("keystone.")).sort((a, b) => (nOf(a) ?? 0) - (nOf(b) ?? 0));
}

/**
 * Checks every proof of a keystone anew; of a lane whose older frames are gone, from the oldest that is left.
 *
 * @param frames Its genesis first.
 */
export function replayKeystone(genesis: IbGib, frames: readonly IbGib[]): Problem | undefined {
  if (genesis.ib === "keystone.identity")
    return replay(genesis, frames, startIdentity, (state, frame) => checkIdentityFrames(state, [frame]));
  const next = (state: KeystoneState, frame: IbGib) => checkFrame(state, frame).state;
  const [, oldest] = frames;
  const isWhole = genesis.ib !== "keystone.lane" || oldest === undefined || nOf(oldest) === 1;
  if (isWhole) return replay(genesis, frames, startKeystone, next);
  const resumed = (first: IbGib) => {
    startLane(first);
    return resume(first, oldest, "lane");
  };
  return replay(genesis, frames.slice(1), resumed, next);
}

function replay<State>(
  genesis: IbGib,
  frames: readonly IbGib[],
  start: (genesis: IbGib) => State,
  next: (state: State, frame: IbGib) => State,
): Problem | undefined {
  let at = genesis;
  try {
    let state = start(genesis);
    for (const frame of frames.slice(1)) {
      at = frame;
      state = next(state, frame);
    }
    return undefined;
  } catch (thrown) {
    return problem(at.address, "keystone", detailOf(thrown));
  }
}

/** A lane or session, by the policy of its kind. */
function startKeystone(genesis: IbGib): KeystoneState {
  if (genesis.ib === "keystone.lane") return startLane(genesis).keystone;
  const { role } = startReplay(genesis, "session").details;
  const start = role === "sender" ? startSenderSession : startReceiverSession;
  return start(genesis).keystone;
}

/**
 * What a keystone's signer has reserved follows its newest stored frame, or is that very frame before it was signed. An
 * identity's may follow an older one: a home that was put back files what was signed since, and has not signed yet.
 */
async function* verifyJournal(
  space: Space,
  first: Address,
  frames: readonly IbGib[],
): AsyncGenerator<Problem> {
  const bytes = await space.cell(journalKey(first));
  const newest = frames.at(-1);
  if (bytes === undefined || newest === undefined) return;
  try {
    const { data, rel8ns } = decodeUnsigned(bytes);
    const [past] = rel8ns.past;
    const before = ibOf(first) === "keystone.identity" ? frames : [newest];
    const isPlaced = isSame(newest, past) || before.some((frame) => isNextOf(frame, data.n, past));
    if (rel8ns.tjp[0] !== first || !isPlaced)
      yield problem(first, "journal", `frame ${data.n} does not follow frame ${nOf(newest) ?? 0}`);
  } catch (thrown) {
    yield problem(first, "journal", detailOf(thrown));
  }
}

function isNextOf(frame: IbGib, n: number, past: Address): boolean {
  return past === frame.address && n === (nOf(frame) ?? 0) + 1;
}

function isSame(newest: IbGib, past: Address): boolean {
  return past === previousOf(newest);
}

/** The rows of an identity say what its frames come to. */
async function* verifyKnown(space: Space, first: Address, frames: readonly IbGib[]): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.identity, first);
  const replayed = readIdentity(frames);
  if (value?.tip !== replayed?.keystone.tip || value?.n !== replayed?.keystone.n)
    yield problem(first, "cell", `says that it ends at n=${value?.n ?? "none"}`);
  else if (JSON.stringify(value?.hostKeys) !== JSON.stringify([...(replayed?.hostKeys ?? [])]))
    yield problem(first, "cell", "host keys");
  const others = await space.proofs(branchesGroup(first));
  yield* verifyBranches(space, first, others);
  const said = others.flatMap((frame) => delegationIn(frame) ?? []);
  const delegated = [
    ...(replayed?.delegated ?? []),
    ...said.flatMap((each) => ("lane" in each ? each.lane : [])),
  ];
  const lanes = [...new Set(delegated)].filter((lane) => ibOf(lane) === "keystone.lane").map(gibOf);
  const rows = await readCells(space, cellKinds.delegated, `${gibOf(first)}/`);
  const named = new Set(rows.map(({ name }) => name));
  if (rows.length !== lanes.length || !lanes.every((lane) => named.has(lane)))
    yield problem(first, "cell", "lanes");
}

/**
 * Each frame of an identity's branches goes on from one that is stored, and their row says how many there are, and where.
 */
async function* verifyBranches(
  space: Space,
  identity: Address,
  frames: readonly IbGib[],
): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.branches, identity);
  const lowest = Math.min(...frames.map((frame) => nOf(frame) ?? 0));
  if (value?.frames !== (frames.length || undefined) || (value && value.n !== lowest))
    yield problem(identity, "cell", "branches");
  const pasts = frames.flatMap((frame) => previousOf(frame) ?? []);
  const states = await identityAt(space, identity, pasts);
  for (const frame of frames) {
    const state = states.get(previousOf(frame) ?? identity);
    try {
      if (state) checkIdentityFrames(state, [frame]);
      else yield problem(frame.address, "link_missing", previousOf(frame));
    } catch (thrown) {
      yield problem(frame.address, "keystone", detailOf(thrown));
    }
  }
}

/** What lies with an identity's branches is a frame of an identity that is stored, and all of them are checked with it. */
export async function* verifyBranchPlace(
  space: Space,
  record: IbGib,
  group: Address,
): AsyncGenerator<Problem> {
  const identity = tjpOf(record);
  const isInPlace = identity && branchesGroup(identity) === group && (await space.proof(identity));
  if (!isInPlace) yield problem(record.address, "place", group);
}

/** What a keystone's frames claim, the reserved one included. */
async function claimsOf(space: Space, first: Address, frames: readonly IbGib[]): Promise<readonly Claim[]> {
  const reserved = await reservedFrame(space, first);
  return [...frames.slice(1).map(claimOf), ...(reserved ? [reserved.data.proofs[0].claim] : [])];
}

async function reservedFrame(space: Space, first: Address): Promise<UnsignedFrame | undefined> {
  const bytes = await space.cell(journalKey(first));
  return bytes && decodeUnsigned(bytes);
}

/** The lane's identity delegates it. */
async function* verifyDelegated(space: Space, genesis: IbGib): AsyncGenerator<Problem> {
  const { delegator } = startLane(genesis);
  const lane = genesis.address;
  const delegations = await claimsOf(space, delegator, framesOf(await space.proofs(delegator)));
  if (!hasClaim(delegations, "delegate", lane)) yield problem(lane, "not_delegated", delegator);
}

/** A lane of this home vouches for each session whose transcript is kept, as far as its frames are. */
async function* verifySessions(
  space: Space,
  { address: lane }: IbGib,
  frames: readonly IbGib[],
): AsyncGenerator<Problem> {
  const claims = await claimsOf(space, lane, frames);
  const oldest = nOf(frames[1] ?? frames[0]!) ?? 0;
  for (const { name, value } of await readCells(space, cellKinds.session, `${gibOf(lane)}/`))
    if (Number(name) >= oldest && !hasClaim(claims, "vouch", value.session))
      yield problem(value.session, "not_vouched", lane);
}

/** The row of a lane that is followed holds its genesis and a frame of it, and its identity delegates it. */
export async function* verifyFollowed(space: Space, key: string): AsyncGenerator<Problem> {
  const { prefix } = cellKinds.lane;
  if (!key.startsWith(prefix)) return;
  const { value } = await readCell(space, cellKinds.lane, key.slice(prefix.length));
  if (value === undefined) return;
  try {
    const [first, newest] = [decodeText(value.first), decodeText(value.newest)];
    const { n } = resume(first, newest, "lane");
    if (first.address !== key.slice(prefix.length)) return yield problem(first.address, "cell", key);
    if (value.unused.some((frame) => frame.n > n)) yield problem(first.address, "cell", "unused frames");
    yield* verifyDelegated(space, first);
  } catch (thrown) {
    yield problem(key, "keystone", detailOf(thrown));
  }
}

function hasClaim(claims: readonly Claim[], verb: string, target: Address): boolean {
  return claims.some((claim) => claim.verb === verb && claim.target === target);
}

/** Each turn of a session is about a context that is kept, and that names the frame before it. */
async function* verifyContexts(space: Space, frames: readonly IbGib[]): AsyncGenerator<Problem> {
  for (const frame of frames.slice(1)) {
    const { verb, target } = claimOf(frame);
    if (verb !== "sync") continue;
    const context = await space.proof(parseAddress(target));
    if (context === undefined) yield problem(frame.address, "link_missing", target);
    else if (context.rel8ns?.["session"]?.[0] !== previousOf(frame))
      yield problem(context.address, "context", frame.address);
  }
}

/** Every cell that peers keep can be read. @param key As the space keeps it. */
export function verifyCell(key: string, value: Uint8Array): Problem | undefined {
  try {
    if (key.startsWith("journal/")) decodeUnsigned(value);
    else checkCell(key, value);
    return undefined;
  } catch (thrown) {
    return problem(key, "cell", detailOf(thrown));
  }
}

import * as z from "zod";
import { fromHex, groupBy, KeysagaError, limitExceeded, toHex } from "../base/index.js";
import {
  type Address,
  decodeText,
  type IbGib,
  isAddress,
  isReservedIb,
  nOf,
  parseAddress,
  tjpOf,
} from "../ibgib/index.js";
import { isListIb } from "../lists/index.js";
import {
  type Advanced,
  advance,
  type Claim,
  checkFrame,
  checkIdentityFrame,
  type IdentityState,
  type KeystoneState,
  merklePaths,
  readIdentityFrame,
  rootOfPath,
  type SenderSession,
  startIdentity,
  startLane,
  startReplay,
  startSenderSession,
} from "../keystone/index.js";
import { sagaLimits } from "./limits.js";
import type { AttestedHead, CommitEntry, Evidence } from "./messages.js";
import { entryLeaf } from "./turn.js";

/** Who signed a frame as its maker: the identity, the lane it spoke through, and the session keystone that signed the commit. */
export interface Attester {
  readonly identity: Address;
  readonly lane: Address;
  readonly session: Address;
}

/**
 * The frames that a commit signs, each with its place in the commit's list. One tree is made for all of them.
 *
 * @param entries The whole list of the commit: tips and heads, as it was signed.
 * @param context The context of that turn.
 */
export function attestHeads(entries: readonly CommitEntry[], context: Address): readonly AttestedHead[] {
  const heads = entries.flatMap((entry, index) => ("head" in entry ? [{ entry, index }] : []));
  const paths = merklePaths(
    entries.map(entryLeaf),
    heads.map(({ index }) => index),
  );
  const hexOf = once(toHex); // a node is on the path of all leaves below its sibling
  return heads.map((head, at) => ({
    ...head,
    context,
    count: entries.length,
    path: (paths[at] ?? []).map(hexOf),
  }));
}

/**
 * Sorts what came as evidence, and admits its records.
 *
 * @returns `lists`: frames of lists, which come ahead of what they let in.
 * @throws KeysagaError `limit_exceeded` beyond `evidenceMax`, `attestation_refused` for a record that is neither
 *   keystone, context nor list, or what `decodeText` throws.
 */
export function readEvidence(items: readonly Evidence[]): {
  readonly records: readonly IbGib[];
  readonly lists: readonly IbGib[];
  readonly heads: readonly AttestedHead[];
} {
  const max = sagaLimits.evidenceMax;
  if (items.length > max) throw limitExceeded("evidenceMax", max);
  const records: IbGib[] = [];
  const lists: IbGib[] = [];
  const heads: AttestedHead[] = [];
  for (const item of items) {
    if (!Array.isArray(item)) heads.push(item);
    else if (isReservedIb(item[0])) records.push(decodeText(item));
    else if (isListIb(item[0])) lists.push(decodeText(item));
    else throw refused("kind of record");
  }
  return { records, lists, heads };
}

/**
 * Checks who signed each of `heads`, with nothing but what is shown: the entry is in the list that its context is
 * about; the context is a sender's commit, and the next frame of its session claims it; the session was vouched for
 * by its lane, and the lane delegated by its identity, each replayed from its genesis. A keystone is replayed once,
 * however many heads rest on it: a hash and a signature check for each of its frames.
 *
 * An identity that is shown to have revoked the lane does not delegate it. Whether this identity is the maker that the
 * frame names (`makerOf`: the signature of anybody else proves nothing), and may write the timeline, is not judged here.
 *
 * @param records Admitted, and otherwise untrusted, in any order; what no head rests on is not looked at.
 * @returns In the order of `heads`.
 * @throws KeysagaError `attestation_refused` with the rule.
 */
export function checkAttested(
  heads: readonly AttestedHead[],
  records: readonly IbGib[],
): readonly Attester[] {
  return attestersOf(heads, records, { next: checkFrame, nextOfIdentity: checkIdentityFrame });
}

/** The same for evidence that was checked when it was stored: no frame's signatures are checked again. */
export function readAttested(heads: readonly AttestedHead[], records: readonly IbGib[]): readonly Attester[] {
  return attestersOf(heads, records, { next: advance, nextOfIdentity: readIdentityFrame });
}

/**
 * The frames among `records` by the keystone they say they belong to, in the order of their numbers and each once, up
 * to the first number that is missing: frames behind a gap were shown for something else. That they follow each other
 * is for a replay to find out.
 */
export function chainsOf(records: readonly IbGib[]): ReadonlyMap<Address, readonly IbGib[]> {
  const once = new Map(records.map((each) => [each.address, each])).values();
  const chains = [...groupBy(once, tjpOf)];
  return new Map(chains.flatMap(([keystone, chain]) => (keystone ? [[keystone, upToGap(chain)]] : [])));
}

function upToGap(frames: readonly IbGib[]): readonly IbGib[] {
  const chain = frames.toSorted((a, b) => (nOf(a) ?? -1) - (nOf(b) ?? -1));
  const numbers = chain.map((frame) => nOf(frame) ?? -1);
  const gap = numbers.findIndex((n, at) => n > (numbers[at - 1] ?? -1) + 1);
  return gap < 0 ? chain : chain.slice(0, gap);
}

/** How a frame is taken in as the successor of the one before. */
interface Replay {
  readonly next: (state: KeystoneState, frame: IbGib) => Advanced;
  readonly nextOfIdentity: (state: IdentityState, frame: IbGib) => IdentityState;
}

interface ReplayedSession {
  readonly details: SenderSession;
  /** What each frame claims, by the address of the frame before it. */
  readonly claimAfter: ReadonlyMap<Address, Claim>;
}

interface ReplayedLane {
  readonly delegator: Address;
  readonly receiver: Address;
  /** The sessions with its receiver that it vouches for. */
  readonly vouched: ReadonlySet<string>;
}

function attestersOf(
  heads: readonly AttestedHead[],
  records: readonly IbGib[],
  replay: Replay,
): readonly Attester[] {
  const byAddress = new Map(records.map((record) => [record.address, record]));
  const chains = chainsOf(records);
  const framesOf = (keystone: Address) => chains.get(keystone) ?? [];
  const sessions = once((session: Address) => replaySession(framesOf(session), replay));
  const lanes = once((lane: Address) => replayLane(framesOf(lane), replay));
  const identities = once((identity: Address) => replayIdentity(framesOf(identity), replay));

  return heads.map((head) => {
    const context = byAddress.get(head.context);
    const before = byAddress.get(sessionFrameOf(head, context));
    const session = before && tjpOf(before);
    if (before === undefined || session === undefined) throw refused("session frame not shown");
    const { details, claimAfter } = sessions(session);
    if (!isSync(claimAfter.get(before.address), head.context)) throw refused("context not claimed");
    const lane = lanes(details.lane);
    if (lane.receiver !== details.receiver) throw refused("lane to another receiver");
    if (!lane.vouched.has(session)) throw refused("session not vouched for");
    if (!identities(lane.delegator).delegated.has(details.lane)) throw refused("lane not delegated");
    return { identity: lane.delegator, lane: details.lane, session };
  });
}

const CommitContext = z.looseObject({
  stage: z.literal("commit"),
  role: z.literal("sender"),
  entries: z.strictObject({ count: z.number(), root: z.string() }),
});
const ContextLinks = z.looseObject({ session: z.tuple([z.custom<Address>(isAddress)]) });

/** The frame of S that the context of `head` stands on, where the entry is in the list that it is about. */
function sessionFrameOf({ entry, index, count, path }: AttestedHead, context: IbGib | undefined): Address {
  if (context === undefined) throw refused("context not shown");
  const said = CommitContext.safeParse(context.data);
  const links = ContextLinks.safeParse(context.rel8ns);
  if (context.ib !== "context" || !said.success || !links.success) throw refused("not a sender's commit");
  const { entries } = said.data;
  const nodes = path.map((node) => fromHex(node) ?? new Uint8Array(0));
  const root = rootOfPath(entryLeaf(entry), index, count, nodes);
  if (count !== entries.count || root === undefined || toHex(root) !== entries.root)
    throw refused("entry not in the list");
  return links.data.session[0];
}

function replaySession([first, ...later]: readonly IbGib[], { next }: Replay): ReplayedSession {
  return proving("session", () => {
    const { keystone, details } = startSenderSession(shown(first));
    const claimAfter = new Map<Address, Claim>();
    let state = keystone;
    for (const frame of later) {
      const advanced = next(state, frame);
      claimAfter.set(state.tip, advanced.claim);
      state = advanced.state;
    }
    return { details, claimAfter };
  });
}

function replayLane([first, ...later]: readonly IbGib[], { next }: Replay): ReplayedLane {
  return proving("lane", () => {
    const genesis = shown(first);
    const named = startReplay(genesis, "lane").details;
    const names = {
      delegator: parseAddress(named["delegator"]),
      receiver: parseAddress(named["receiver"]),
    };
    const vouched = new Set<string>();
    let state = startLane(genesis, names).keystone;
    for (const frame of later) {
      const advanced = next(state, frame);
      const { verb, target, scope } = advanced.claim;
      if (verb === "vouch" && scope === names.receiver) vouched.add(target);
      state = advanced.state;
    }
    return { ...names, vouched };
  });
}

function replayIdentity([first, ...later]: readonly IbGib[], { nextOfIdentity }: Replay): IdentityState {
  return proving("identity", () => later.reduce(nextOfIdentity, startIdentity(shown(first))));
}

function isSync(claim: Claim | undefined, context: Address): boolean {
  return claim?.verb === "sync" && claim.target === context && claim.scope === undefined;
}

function shown(first: IbGib | undefined): IbGib {
  if (first === undefined) throw refused("not shown");
  return first;
}

/** What a keystone gets wrong is no proof, whatever it is. */
function proving<Value>(kind: string, replay: () => Value): Value {
  try {
    return replay();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    const { code, facts } = thrown;
    throw new KeysagaError(
      "attestation_refused",
      { rule: `${kind}: ${String(facts["rule"] ?? code)}` },
      { cause: thrown },
    );
  }
}

/** `make`, called once for each thing. */
function once<Of, Value>(make: (of: Of) => Value): (of: Of) => Value {
  const made = new Map<Of, Value>();
  return (of) => {
    const value = made.get(of) ?? make(of);
    made.set(of, value);
    return value;
  };
}

function refused(rule: string): KeysagaError {
  return new KeysagaError("attestation_refused", { rule });
}

import { groupBy, KeysagaError, lengthPrefixed, sha256, toHex } from "../../base/index.js";
import {
  type Address,
  addressOf,
  gibOf,
  type IbGib,
  isAddress,
  previousOf,
  toText,
} from "../../ibgib/index.js";
import { type IdentityState, startReceiverSession, startSenderSession } from "../../keystone/index.js";
import {
  type Evidence,
  identityFramesIn,
  type KnownIdentity,
  type KnownParts,
  type ProvedParts,
  type SessionPart,
  type ShownProofs,
} from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type Cell, cellKinds, changeCell, readCell } from "../home/cells.js";
import { type Filing, joinFilings, nothingFiled } from "../home/filing.js";
import { type Identity, ownState } from "../home/identity.js";
import { branchTo, identityAt } from "../home/identity-branches.js";
import { delegatedCell, fileIdentity, loadIdentity } from "../home/known-identities.js";

/*
 * What proofs share is kept once: the genesis of a session (S0) with what vouches for it, that of its lane (L0), and the
 * frames of the identity. It is shown once to each peer: what the other side of a lane has is remembered with that lane.
 */

/** The ib of the groups below. */
export const partsIb = "proof-parts";

/**
 * Where L0 is kept, with the S0s of that lane that something rests on, and under a receiver's identity its R0s: apart from
 * transcripts, which go.
 */
export function partsGroup(lane: Address): Address {
  const hash = sha256(lengthPrefixed("keysaga/proof-parts/1", lane));
  return addressOf(partsIb, toHex(hash).toUpperCase());
}

/** What this home knows of what evidence rests on. It costs by what is shown, and not by what is stored. */
export async function loadKnown(
  home: Identity,
  { lists, records, vouchers }: ShownProofs,
): Promise<KnownParts> {
  const { space } = home;
  const sessions = await found(
    lists.map(({ session }) => session),
    (address) => readSession(space, address),
  );
  const founded = records.filter(({ ib }) => ib === "keystone.session");
  const lanes = await found(
    founded.map((first) => memberOf(first, "lane")),
    (address) => readLane(space, address),
  );
  const shown = records.filter(({ ib }) => ib === "keystone.lane");
  const chains = identityFramesIn(records);
  const ofLanes = [...lanes.values(), ...shown].map((first) => ({
    identity: memberOf(first, "delegator"),
    asked: first.address,
  }));
  const certificates = new Map(
    vouchers.flatMap((by) => ("host" in by ? [[by.session, by.host.certifiedBy]] : [])),
  );
  const ofHosts = founded.map((first) => ({
    identity: memberOf(first, "receiver"),
    asked: certificates.get(first.address),
  }));
  const askedOf = groupBy([...ofLanes, ...ofHosts], ({ identity }) => identity);
  const identities = await found([...chains.keys(), ...askedOf.keys()], async (identity) => {
    const asked = (askedOf.get(identity) ?? []).flatMap(({ asked: address }) => address ?? []);
    const isOwn = identity === home.address;
    const state = await (isOwn ? ownState(home, asked) : loadIdentity(space, identity, asked));
    return state && { state, ...(await heldOf(space, state, chains.get(identity) ?? [])) };
  });
  return { sessions, lanes, identities };
}

/** What there is of each. */
async function found<Value>(
  addresses: readonly (Address | undefined)[],
  read: (address: Address) => Promise<Value | undefined>,
): Promise<ReadonlyMap<Address, Value>> {
  const values = new Map<Address, Value>();
  for (const address of new Set(addresses)) {
    const value = address && (await read(address));
    if (value) values.set(address, value);
  }
  return values;
}

/** See `KnownIdentity`. Of frames that go on from each other and are held, the newest is looked up. */
async function heldOf(
  space: Space,
  state: IdentityState,
  shown: readonly IbGib[],
): Promise<Omit<KnownIdentity, "state">> {
  const { tip, tjp } = state.keystone;
  const held = new Set<Address>();
  for (const frame of shown.toReversed()) {
    const { address } = frame;
    const isHeld = address === tip || held.has(address) || (await space.proof(address));
    // What a stored frame goes on from is stored as well.
    if (isHeld) for (const each of [address, previousOf(frame)]) if (each) held.add(each);
  }
  const fresh = shown.filter(({ address }) => !held.has(address));
  const forks = fresh.flatMap((frame) => previousOf(frame) ?? []).filter((past) => past !== tip);
  const at = new Map(await identityAt(space, tjp, forks));
  return { held, at: at.set(tip, state) };
}

/** A session that proofs here rest on, with what vouches for it. */
export async function readSession(space: Space, session: Address): Promise<SessionPart | undefined> {
  const [first, sender, receiver] = await Promise.all([
    space.proof(session),
    readCell(space, cellKinds.voucher, gibOf(session)),
    readCell(space, cellKinds.host, gibOf(session)),
  ]);
  if (first && sender.value) {
    const { lane, identity, ...voucher } = sender.value;
    const { attestKey } = startSenderSession(first).details;
    return { session, lane, identity, attestKey, signs: "senderHeads", first, voucher };
  }
  if (!first || !receiver.value) return undefined;
  const { receiver: identity, attestKey } = startReceiverSession(first).details;
  const voucher = { session, host: receiver.value };
  return { session, identity, attestKey, signs: "receiverHeads", first, voucher };
}

/** L0 is what a lane's parts are kept behind. */
export async function readLane(space: Space, lane: Address): Promise<IbGib | undefined> {
  const [first] = await space.proofs(partsGroup(lane), 0, 1);
  return first?.address === lane ? first : undefined;
}

/** An address that a genesis names. It proves nothing: that takes a replay. */
function memberOf({ data }: IbGib, name: string): Address | undefined {
  const details: unknown = data && "details" in data ? data["details"] : undefined;
  const value: unknown =
    typeof details === "object" && details !== null ? Reflect.get(details, name) : undefined;
  return isAddress(value) ? value : undefined;
}

/**
 * What a commit takes in to keep parts that were checked. Two vouchers of a lane with one number are kept both, and the
 * lane is marked as forked.
 *
 */
export async function fileParts(space: Space, parts: ProvedParts): Promise<Filing> {
  const kept = await Promise.all(parts.lanes.map(({ address }) => readLane(space, address)));
  const fresh = parts.lanes.filter((_, at) => kept[at] === undefined);
  const lanes = fresh.map((record) => ({ group: partsGroup(record.address), record }));
  const byNumber = new Map<string, Address>();
  const sessions: Filing[] = [];
  for (const part of parts.sessions) sessions.push(await fileSessionPart(space, part, byNumber));
  const identities = await Promise.all(
    [...parts.identities].map(([identity, frames]) => fileIdentity(space, identity, frames)),
  );
  return joinFilings([{ proofs: lanes, cells: [] }, ...sessions, ...identities]);
}

/** How often parts are filed anew because others came at the same time. */
const triesMax = 32;

/**
 * Keeps parts that were checked, at once, whatever becomes of the saga that they came with: the other side does not show
 * them a second time.
 */
export async function keepParts(
  { space, address }: Pick<Identity, "space" | "address">,
  parts: ProvedParts,
): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    const { proofs, cells } = await fileParts(space, parts);
    if (proofs.length + cells.length === 0) return;
    const result = await space.commit({ holder: address, sight: { holders: [] }, proofs, cells });
    if (result.kind === "committed") return;
  }
  throw new KeysagaError("store_failed", { reason: "proofs kept moving" });
}

/** @param byNumber Sessions that are filed with it, by lane and number. */
async function fileSessionPart(
  space: Space,
  part: SessionPart,
  byNumber: Map<string, Address>,
): Promise<Filing> {
  const { lane, identity, session, first, voucher } = part;
  if ("host" in voucher || lane === undefined) return fileReceiver(space, part);
  const place = `${gibOf(lane)}/${voucher.n}`;
  const [cell, vouched] = await Promise.all([
    readCell(space, cellKinds.voucher, gibOf(session)),
    readCell(space, cellKinds.vouched, place),
  ]);
  if (cell.value) return nothingFiled;
  const other = vouched.value?.session ?? byNumber.get(place);
  byNumber.set(place, session);
  const isFork = other !== undefined && other !== session;
  return {
    proofs: [{ group: partsGroup(lane), record: first }],
    cells: [
      changeCell(cell, { ...voucher, lane, identity }),
      ...(isFork
        ? await markFork(space, lane, voucher.n, [other, session])
        : [changeCell(vouched, { session })]),
    ],
  };
}

async function fileReceiver(
  space: Space,
  { session, identity, first, voucher }: SessionPart,
): Promise<Filing> {
  const cell = await readCell(space, cellKinds.host, gibOf(session));
  if (cell.value || !("host" in voucher)) return nothingFiled;
  return {
    proofs: [{ group: partsGroup(identity), record: first }],
    cells: [changeCell(cell, voucher.host)],
  };
}

/** The first pair that was seen is kept. */
async function markFork(
  space: Space,
  lane: Address,
  n: number,
  sessions: [Address, Address],
): Promise<readonly CellChange[]> {
  const fork = await readCell(space, cellKinds.fork, gibOf(lane));
  return fork.value ? [] : [changeCell(fork, { n, sessions })];
}

/** The other side of a session, to which evidence goes: the lane between both, and its identity. */
export interface Audience {
  readonly lane: Address;
  readonly identity: Address;
}

/** What evidence has shown to the other side, by identity: to be remembered once that side keeps it. */
export type ShownParts = ReadonlyMap<Address, { readonly n: number; readonly parts: readonly string[] }>;

/** More than that of one identity and lane is shown again. */
const partsRemembered = 64;

/** A part by a name that nobody can make another one for. */
const nameOf = (part: Address): string => gibOf(part).slice(0, 24);

/**
 * The shared parts of proofs by these sessions, as far as `to` was not shown them from here; all of them without `to`.
 *
 * @param sessions Each once. Those that this space does not keep are passed over.
 */
export async function showParts(
  space: Space,
  sessions: readonly Address[],
  to: Audience | undefined,
): Promise<{ readonly evidence: readonly Evidence[]; readonly shown: ShownParts }> {
  const evidence: Evidence[] = [];
  const now = new Set<string>();
  const shown = new Map<Address, { n: number; parts: string[] }>();
  for (const session of sessions) {
    const part = await readSession(space, session);
    if (!part) continue;
    const { lane, identity, first, voucher } = part;
    const seen = shown.get(identity) ?? { ...(await seenBy(space, identity, to)) };
    if (!shown.has(identity)) {
      const lacking = await space.proofs(identity, seen.n + 1);
      // Nobody is shown its own identity: it knows that best.
      if (identity !== to?.identity) evidence.push(...lacking.map(toText));
      shown.set(identity, seen);
      seen.n += lacking.length;
    }
    const genesis = lane && (await readLane(space, lane));
    for (const record of [...(await branchOf(space, part)), ...(genesis ? [genesis] : []), first]) {
      const name = nameOf(record.address);
      if (!seen.parts.includes(name) && !now.has(name)) {
        now.add(name);
        evidence.push(toText(record));
        if (record === first) evidence.push(voucher);
      }
      seen.parts = [...seen.parts.filter((other) => other !== name), name].slice(-partsRemembered);
    }
  }
  return { evidence, shown };
}

/** What a session rests on of an identity's branches. */
async function branchOf(space: Space, { identity, lane, voucher }: SessionPart): Promise<readonly IbGib[]> {
  const delegated = lane && (await delegatedCell(space, identity, lane)).value?.branch;
  const newest = "host" in voucher ? voucher.host.certifiedBy : delegated;
  return newest ? branchTo(space, identity, newest) : [];
}

async function seenBy(space: Space, identity: Address, to: Audience | undefined) {
  const seen = to && (await shownCell(space, to.lane, identity)).value;
  return { n: seen?.n ?? -1, parts: seen?.parts ?? [] };
}

/** What was shown by both. */
export function joinShown(before: ShownParts, more: ShownParts): ShownParts {
  const joined = new Map(before);
  for (const [identity, { n, parts }] of more) {
    const known = joined.get(identity);
    const all = [...new Set([...(known?.parts ?? []), ...parts])].slice(-partsRemembered);
    joined.set(identity, { n: Math.max(n, known?.n ?? -1), parts: all });
  }
  return joined;
}

/** What a commit changes so that the other side of `lane` is not shown this again. Read anew for each try. */
export async function shownChanges(
  space: Space,
  lane: Address,
  shown: ShownParts,
): Promise<readonly CellChange[]> {
  const changes = [...shown].map(async ([identity, { n, parts }]) => {
    const cell = await shownCell(space, lane, identity);
    const before = cell.value ?? { n: -1, parts: [] };
    const all = [...before.parts.filter((name) => !parts.includes(name)), ...parts].slice(-partsRemembered);
    const value = { n: Math.max(n, before.n), parts: all };
    return isSame(before, value) ? [] : [changeCell(cell, value)];
  });
  return (await Promise.all(changes)).flat();
}

/** The order in which parts were used last matters only where some are about to be forgotten. */
function isSame(before: { n: number; parts: readonly string[] }, after: typeof before): boolean {
  if (before.n !== after.n || before.parts.length !== after.parts.length) return false;
  const isRoomy = after.parts.length < partsRemembered;
  return after.parts.every((name, at) => (isRoomy ? before.parts.includes(name) : before.parts[at] === name));
}

/**
 * Where the other side of `lane` ended a session because proofs are missing there that it was shown, it was put back to an
 * older state: it is shown all of them again.
 */
export async function showAgainIfMissing(
  { space, address }: Pick<Identity, "space" | "address">,
  lane: Address | undefined,
  end: KeysagaError | undefined,
): Promise<void> {
  if (lane === undefined || end?.code !== "proofs_missing" || end.facts["told"] === undefined) return;
  for (let tries = 0; tries < triesMax; tries++) {
    const cells = await shownAgain(space, lane);
    if (cells.length === 0) return;
    const result = await space.commit({ holder: address, sight: { holders: [] }, cells });
    if (result.kind === "committed") return;
  }
}

/** What a commit changes so that the other side of `lane` is shown everything again. */
export async function shownAgain(space: Space, lane: Address): Promise<readonly CellChange[]> {
  const rows = await space.cells(`${cellKinds.shown.prefix}${gibOf(lane)}/`);
  return rows.map(({ key, value }) => ({ key, from: value, to: undefined }));
}

function shownCell(
  space: Space,
  lane: Address,
  identity: Address,
): Promise<Cell<{ n: number; parts: string[] }>> {
  return readCell(space, cellKinds.shown, `${gibOf(lane)}/${gibOf(identity)}`);
}

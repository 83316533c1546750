import { groupBy } from "../../base/index.js";
import { type Address, gibOf, type IbGib } from "../../ibgib/index.js";
import { startSenderSession } from "../../keystone/index.js";
import {
  type AttestedFrame,
  type AttestedFrames,
  type CountedFrame,
  countedPlaces,
  type Attester,
  type Established,
  type Evidence,
  type ListSignature,
  listName,
  type LetIn,
  type MadeFrame,
  type ProvedParts,
  placesOf,
  proofSteps,
  readingSteps,
  type Receipt,
  type SessionPart,
  type ShownFrame,
  sagaLimits,
} from "../../saga/index.js";
import type { Pause } from "../../merge/index.js";
import type { CellChange, Space } from "../../space/index.js";
import {
  type Cell,
  type CellValue,
  cellKinds,
  changeCell,
  newCell,
  readCell,
  readCells,
} from "../home/cells.js";
import { countedKey, letInName } from "./head-judge.js";
import { type Filing, joinFilings, nothingFiled } from "../home/filing.js";
import { type Identity, newestFrame } from "../home/identity.js";
import { fileIdentity } from "../home/known-identities.js";
import {
  type Audience,
  fileParts,
  loadKnown,
  readSession,
  type ShownParts,
  showParts,
} from "./proof-parts.js";

/** A frame that its maker has signed, what signed it, and where that is kept. */
export interface Attestation extends Attester {
  readonly frame: Address;
  /** The saga whose commit carried the signature. */
  readonly saga: string;
}

/** A session whose sender commits, on either side. */
export interface CommittingSession {
  readonly space: Space;
  readonly established: Pick<Established, "identity" | "lane" | "session" | "vouched">;
  /** The newest frame of the sender's identity, where this is its home and its signer alone may have it. */
  readonly ownFrames: readonly IbGib[];
}

/**
 * Keeps the frames of a saga's commit attested, on the side that signed it and on the one that verified it: one row for
 * the commit, a small one for each frame, and with the first of a session what vouches for it. Nothing is checked again.
 *
 * @param made All that was signed, in its order. Frames that are attested already stay as they are.
 * @param isTaken Frames that the receiver did not take, or that the commit did not add, are nobody's word for anything.
 */
export async function keepMade(
  { space, established, ownFrames }: CommittingSession,
  signed: ListSignature,
  made: readonly MadeFrame[],
  isTaken: (entry: MadeFrame) => boolean = () => true,
): Promise<Filing> {
  const wanted = made.filter(isTaken);
  const fresh = new Set(await freshOf(space, wanted));
  const taken = wanted.filter((entry) => fresh.has(wordOn(entry)));
  if (taken.length === 0) return nothingFiled;
  const { identity } = established;
  const list = { ...signed, count: made.length };
  return joinFilings([
    await fileList(
      space,
      list,
      taken.length === made.length
        ? { all: made }
        : { some: placesOf(made, (entry) => fresh.has(wordOn(entry))) },
    ),
    fileWords([...fresh], identity, listName(list)),
    await fileOwnParts(space, established, ownFrames),
  ]);
}

async function fileOwnParts(
  space: Space,
  { identity, lane, session, vouched }: CommittingSession["established"],
  ownFrames: readonly IbGib[],
): Promise<Filing> {
  const known = await readCell(space, cellKinds.voucher, gibOf(session));
  if (known.value) return nothingFiled;
  const { attestKey } = startSenderSession(vouched.session).details;
  const { session: first, voucher } = vouched;
  const part = { identity, lane, session, attestKey, signs: "senderHeads", first, voucher } as const;
  const parts = { sessions: [part], lanes: [vouched.lane], identities: new Map() };
  return joinFilings([await fileIdentity(space, identity, ownFrames), await fileParts(space, parts)]);
}

/** Evidence that was checked. */
export interface CheckedEvidence {
  /** Who signed each frame. */
  readonly attesters: ReadonlyMap<Address, Address>;
  /** The same frames, by the timelines that they are of. */
  readonly attested: ReadonlyMap<Address, readonly AttestedFrame[]>;
  /** Heads that entries with counted uses have let in elsewhere. */
  readonly counted: readonly LetIn[];
  /** The same, to ask for one of them: see `isLetIn`. */
  readonly letIn: ReadonlySet<string>;
  readonly lists: readonly AttestedFrames[];
  /** What it rests on that is new here. */
  readonly parts: ProvedParts;
  /** Frames of access lists that came with it. */
  readonly listFrames: readonly IbGib[];
}

export const noEvidence: CheckedEvidence = {
  attesters: new Map(),
  attested: new Map(),
  counted: [],
  letIn: new Set(),
  lists: [],
  parts: { sessions: [], lanes: [], identities: new Map() },
  listFrames: [],
};

/**
 * Checks evidence that came, in steps: it may be as long as a session may carry bytes. What comes for a frame that is
 * attested here already is checked all the same, so that nobody learns by it what is attested here.
 *
 * @param pause Awaited between two steps.
 * @param own The other side's session, where its handshake has proved that already.
 * @throws KeysagaError `limit_exceeded`, `attestation_refused`, `duplicity`.
 */
export async function checkEvidence(
  home: Identity,
  items: readonly Evidence[],
  { pause, own }: { readonly pause?: Pause; readonly own?: SessionPart } = {},
): Promise<CheckedEvidence> {
  const { listFrames, ...shown } = await inSteps(readingSteps(items), pause);
  const { lists } = shown;
  const known = await loadKnown(home, shown);
  const sessions = own ? new Map(known.sessions).set(own.session, own) : known.sessions;
  const { attested, counted, parts } = await inSteps(proofSteps(shown, { ...known, sessions }), pause);
  const attesters = new Map(attested.map(({ frame, identity }) => [frame, identity]));
  const isOwnNeeded = own !== undefined && lists.some(({ session }) => session === own.session);
  const all = isOwnNeeded ? [...parts.sessions, own] : parts.sessions;
  const needed = { ...parts, sessions: all, identities: await withOwnFrames(home, all, parts.identities) };
  const letIn = new Set(counted.map(letInName));
  const byTimeline = groupBy(attested, ({ tjp }) => tjp);
  return { attesters, attested: byTimeline, counted, letIn, lists, parts: needed, listFrames };
}

async function inSteps<Value>(steps: Generator<undefined, Value>, pause?: Pause): Promise<Value> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await pause?.();
  }
}

/** Keeps what a list rests on that this home's own session signs. */
export async function fileOwnSession(home: Identity, part: SessionPart): Promise<Filing> {
  const identities = await withOwnFrames(home, [part], new Map());
  return fileParts(home.space, { sessions: [part], lanes: [], identities });
}

/** What rests on frames of this home's own identity keeps them, also where they are with its signer alone so far. */
async function withOwnFrames(
  home: Identity,
  sessions: readonly SessionPart[],
  identities: ProvedParts["identities"],
): Promise<ProvedParts["identities"]> {
  if (!sessions.some(({ identity }) => identity === home.address)) return identities;
  const frames = [...(await newestFrame(home)), ...(identities.get(home.address) ?? [])];
  return new Map(identities).set(home.address, frames);
}

/**
 * What a commit has to take in to keep proofs of `frames`: nobody's word is kept for a frame before it is known that it may
 * be. Read anew for each try of the commit.
 */
export async function fileAttested(
  space: Space,
  { attested: byTimeline, counted, lists }: CheckedEvidence,
  frames: ReadonlySet<Address>,
): Promise<Filing> {
  const attested = [...byTimeline.values()].flat();
  const wanted = [...attested, ...counted].filter(({ frame }) => frames.has(frame));
  const fresh = new Set(await freshOf(space, wanted));
  const signers = new Map([
    ...attested.map(({ session, identity }) => [session, identity] as const),
    ...counted.map(({ session, receiver }) => [session, receiver] as const),
  ]);
  const byName = new Map<string, { list: AttestedFrames; places: ShownFrame[] }>();
  for (const list of lists) {
    const name = listName(list);
    const all = byName.get(name) ?? { list, places: [] };
    byName.set(name, all);
    for (const place of list.frames) if (fresh.delete(wordOn(place.entry))) all.places.push(place);
  }
  const filings: Filing[] = [];
  for (const [name, { list, places }] of byName) {
    const by = signers.get(list.session);
    if (places.length === 0 || by === undefined) continue;
    filings.push(await fileList(space, list, { some: places }));
    filings.push(
      fileWords(
        places.map(({ entry }) => wordOn(entry)),
        by,
        name,
      ),
    );
  }
  return joinFilings(filings);
}

/** What is said of a frame: by its maker, or of an entry by the receiver that counts it. The key of where that is kept. */
function wordOn(entry: MadeFrame | CountedFrame): string {
  return "entry" in entry ? countedKey(entry) : cellKinds.attested.prefix + gibOf(entry.frame);
}

/** Those of which nothing is kept yet. */
async function freshOf(
  space: Space,
  frames: readonly (MadeFrame | CountedFrame)[],
): Promise<readonly string[]> {
  const keys = [...new Set(frames.map(wordOn))];
  const kept = await Promise.all(keys.map((key) => space.cell(key)));
  return keys.filter((_, at) => kept[at] === undefined);
}

function fileWords(keys: readonly string[], by: Address, list: string): Filing {
  const none = { value: undefined, bytes: undefined };
  return { proofs: [], cells: keys.map((key) => changeCell({ key, ...none }, { by, list })) };
}

/**
 * What is kept of a receipt that names heads which entries with counted uses have let in: its place in the list that was
 * signed, and a row for each head. Nothing is checked again.
 *
 * @param by Whose receipt it is.
 */
export function receiptCells(session: Address, by: Address, receipt: Receipt): readonly CellChange[] {
  const { saga, signature, counted = [] } = receipt;
  if (counted.length === 0) return [];
  const { count, places } = countedPlaces(receipt);
  const list = { session, saga, count, signature };
  const name = listName(list);
  const words = fileWords(counted.map(wordOn), by, name);
  return [newCell(cellKinds.list, name, { ...list, some: [...places] }), ...words.cells];
}

/** Adds to what is kept of a list: all of its entries, whose paths are made when they are asked for, or some places. */
async function fileList(
  space: Space,
  { session, saga, count, signature }: Omit<AttestedFrames, "frames">,
  added: { readonly all: readonly ShownFrame["entry"][] } | { readonly some: readonly ShownFrame[] },
): Promise<Filing> {
  const signed = { session, saga, count, signature };
  const cell = await readCell(space, cellKinds.list, listName(signed));
  if (cell.value?.all) return nothingFiled;
  const kept = "all" in added ? { all: [...added.all] } : placesWith(added.some, cell.value?.some, count);
  return { proofs: [], cells: [changeCell(cell, { ...signed, ...kept })] };
}

function placesWith(added: readonly ShownFrame[], kept: readonly ShownFrame[] = [], count: number) {
  const byIndex = new Map([...kept, ...added].map((place) => [place.index, place]));
  const some = [...byIndex.values()].sort((a, b) => a.index - b.index);
  return some.length === count ? { all: some.map(({ entry }) => entry) } : { some };
}

/** Who proves a frame here by an attestation of its own, where there is one: the last of a run has one, for all of it. */
export async function signerOf(space: Space, frame: Address): Promise<Address | undefined> {
  return (await attestedCell(space, frame)).value?.by;
}

/** The same with what signed it. */
export async function attestationOf(space: Space, frame: Address): Promise<Attestation | undefined> {
  const { value } = await attestedCell(space, frame);
  const list = value && (await readCell(space, cellKinds.list, value.list)).value;
  const part = list && (await readSession(space, list.session));
  if (!part) return undefined;
  const { session, saga } = list;
  return { frame, identity: value.by, session, saga, ...(part.lane && { lane: part.lane }) };
}

/** What proves frames elsewhere, and what of it the other side was not shown yet. */
export interface Showing {
  readonly evidence: readonly Evidence[];
  readonly shown: ShownParts;
}

/**
 * What it takes to prove elsewhere who made `frames`. Those that are not attested here are left out.
 *
 * @param to Whom it is for: what that side was shown before is left out. Without it, all is shown.
 */
export async function proofsFor(space: Space, frames: readonly Address[], to?: Audience): Promise<Showing> {
  const names = new Map<string, Set<Address>>();
  for (const frame of new Set(frames)) {
    const { value } = await attestedCell(space, frame);
    const counted = await readCells(space, cellKinds.counted, `${gibOf(frame)}/`);
    for (const { list } of [...(value ? [value] : []), ...counted.map((cell) => cell.value)])
      names.set(list, (names.get(list) ?? new Set()).add(frame));
  }
  const lists: AttestedFrames[] = [];
  for (const [name, wanted] of names) {
    const { value } = await readCell(space, cellKinds.list, name);
    if (value) lists.push(...showList(value, (entry) => wanted.has(entry.frame)));
  }
  const { evidence, shown } = await showParts(space, [...new Set(lists.map(({ session }) => session))], to);
  return { evidence: [...evidence, ...lists], shown };
}

/** The whole of it, for somebody of whom nothing is known. */
export async function evidenceFor(space: Space, frames: readonly Address[]): Promise<readonly Evidence[]> {
  return (await proofsFor(space, frames)).evidence;
}

/** The places of some frames of a list as it is kept. */
export function showList(
  { session, saga, count, signature, all, some = [] }: CellValue<"list">,
  isShown: (entry: ShownFrame["entry"]) => boolean,
): readonly AttestedFrames[] {
  const places = all ? placesOf(all, isShown) : some.filter(({ entry }) => isShown(entry));
  const items: AttestedFrames[] = [];
  let chars = 0;
  for (const place of places) {
    const more = JSON.stringify(place).length + 1;
    const last = items.at(-1);
    chars += more;
    if (last && last.frames.length < sagaLimits.framesProvedMax && chars <= sagaLimits.entriesCharsMax) {
      last.frames.push(place);
      continue;
    }
    items.push({ session, saga, count, signature, frames: [place] });
    chars = more;
  }
  return items;
}

function attestedCell(space: Space, frame: Address): Promise<Cell<CellValue<"attested">>> {
  return readCell(space, cellKinds.attested, gibOf(frame));
}

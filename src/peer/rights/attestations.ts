import { assert } from "../../base/index.js";
import { type Address, gibOf, type IbGib, toText } from "../../ibgib/index.js";
import { claimOf } from "../../keystone/index.js";
import {
  type AttestedHead,
  type Attester,
  attestHeads,
  type CommitEntry,
  chainsOf,
  checkAttested,
  type Established,
  type Evidence,
  type HeadEntry,
} from "../../saga/index.js";
import type { ProofPut, Space } from "../../space/index.js";
import { type Cell, cellKinds, changeCell, readCell } from "../home/cells.js";
import {
  evidenceGroup,
  type Filing,
  fileChain,
  fileFrames,
  fileUpTo,
  framesUpTo,
  joinFilings,
  type NewestFrames,
  upToClaim,
} from "./evidence-files.js";

/** A frame, what proves who signed it as its maker, and who that was. */
export interface Attestation extends Attester {
  readonly head: AttestedHead;
}

/** A session whose sender commits, on either side, and what of it is not stored yet. */
export interface CommittingSession {
  readonly space: Space;
  readonly established: Pick<Established, "identity" | "lane" | "session">;
  readonly newest: NewestFrames;
  /** Frames and contexts that this very commit stores, those of the commit turn last among S's. */
  readonly proofs: readonly ProofPut[];
}

/**
 * Keeps the heads of a saga's commit attested, on the side that signed it and on the one that verified it. Nothing is
 * checked again: the turns were verified as they came, the identity and the lane before.
 *
 * Costs one tree over the list, a cell for each head, and what was not filed yet of S, the lane and the identity.
 *
 * @param entries The whole list of the commit turn, as it was signed. Heads that are attested already stay as they are.
 * @param isTaken Heads that the receiver did not take, or that the commit did not add, are nobody's word for anything.
 * @throws KeysagaError `store_failed` where frames of S are not kept any more, because more than `sessionsKept` newer
 *   sessions of its lane have come; `duplicity` where other frames of a keystone were filed first.
 */
export async function keepOwn(
  { space, established, newest, proofs }: CommittingSession,
  entries: readonly CommitEntry[],
  isTaken: (entry: HeadEntry) => boolean = () => true,
): Promise<Filing> {
  const { identity, lane, session } = established;
  if (!entries.some((entry) => "head" in entry)) return { proofs: [], cells: [] };
  const { context, frame } = commitTurn(session, proofs);
  const taken = attestHeads(entries, context.address).filter(({ entry }) => isTaken(entry));
  const fresh = (await readHeads(space, taken)).filter(isFresh);
  if (fresh.length === 0) return { proofs: [], cells: [] };
  const stored = new Map(proofs.map(({ record }) => [record.address, record]));
  const read = async (address: Address) => stored.get(address) ?? (await space.proof(address));
  const said = await fileFrames(space, session, (after) => framesUpTo(frame.address, after, read));
  const kept: Filing = {
    proofs: [{ group: evidenceGroup(session), record: context }],
    cells: fresh.map(({ cell, head }) => changeCell(cell, { head, identity, lane, session })),
  };
  // What vouches for S is filed with the first of its heads.
  if (said.proofs[0]?.record.address !== session) return joinFilings([said, kept]);
  const [vouched, delegated] = await Promise.all([
    fileUpTo(space, lane, { verb: "vouch", target: session }, (after) => newest(lane, "lane", after)),
    fileUpTo(space, identity, { verb: "delegate", target: lane }, (after) =>
      newest(identity, "identity", after),
    ),
  ]);
  return joinFilings([said, vouched, delegated, kept]);
}

/** Evidence that was checked, and who added each head, those that were attested here before included. */
export interface CheckedHeads {
  readonly attesters: ReadonlyMap<Address, Address>;
  /** Those that are new here. */
  readonly attestations: readonly Attestation[];
  readonly records: readonly IbGib[];
}

/**
 * Checks evidence that came. A head that is attested here already keeps what it has; what comes for it is checked all the
 * same, so that nobody learns by it what is attested here.
 *
 * @param heads With their `records`, as `readEvidence` gives them.
 * @throws KeysagaError `attestation_refused`.
 */
export async function checkHeads(
  space: Space,
  heads: readonly AttestedHead[],
  records: readonly IbGib[],
): Promise<CheckedHeads> {
  const read = await readHeads(space, heads);
  const checked = checkAttested(heads, records);
  const attestations = heads.map((head, at) => read[at]?.cell.value ?? { head, ...checked[at]! });
  return {
    attesters: new Map(attestations.map(({ head, identity }) => [head.entry.head, identity])),
    attestations: attestations.filter((_, at) => isFresh(read[at]!)),
    records,
  };
}

/** What of it is about these heads: nobody's word is kept for a head before it is known that it may be. */
export function onlyOf(
  { attestations, records }: Pick<CheckedHeads, "attestations" | "records">,
  heads: ReadonlySet<Address>,
) {
  return { attestations: attestations.filter(({ head }) => heads.has(head.entry.head)), records };
}

/**
 * What a commit has to take in to keep them. Read anew for each try of the commit.
 *
 * @throws KeysagaError `duplicity` where a keystone's frames are not those filed before.
 */
export async function fileHeads(
  space: Space,
  { attestations, records }: Pick<CheckedHeads, "attestations" | "records">,
): Promise<Filing> {
  const read = await readHeads(
    space,
    attestations.map(({ head }) => head),
  );
  const kept = attestations.filter((_, at) => isFresh(read[at]!));
  const chains = chainsOf(records);
  const keystones = new Set(kept.flatMap(({ identity, lane, session }) => [identity, lane, session]));
  const filings = await Promise.all(
    [...keystones].map((keystone) => fileChain(space, keystone, chains.get(keystone) ?? [])),
  );
  const byAddress = new Map(records.map((record) => [record.address, record]));
  const own: Filing = {
    proofs: kept.flatMap(({ head, session }) => {
      const context = byAddress.get(head.context);
      return context ? [{ group: evidenceGroup(session), record: context }] : [];
    }),
    cells: read.filter(isFresh).map(({ cell }, at) => changeCell(cell, kept[at]!)),
  };
  return joinFilings([...filings, own]);
}

/** Who has signed a frame as its maker, where that is attested here: the last of a run is, for all of it. */
export async function attestationOf(space: Space, head: Address): Promise<Attestation | undefined> {
  return (await readCell(space, cellKinds.attested, gibOf(head))).value;
}

/**
 * What it takes to prove elsewhere who made `heads`: each record once, whatever rests on it. Those that are not
 * attested here are left out.
 */
export async function evidenceFor(space: Space, heads: readonly Address[]): Promise<readonly Evidence[]> {
  const found = await Promise.all(heads.map((head) => attestationOf(space, head)));
  const attestations = found.flatMap((attestation) => attestation ?? []);
  const records = await provingRecords(space, attestations);
  return [...records.map(toText), ...attestations.map(({ head }) => head)];
}

/** The records that `attestations` rest on, as they are filed, each once. */
export async function provingRecords(
  space: Space,
  attestations: readonly Attestation[],
): Promise<readonly IbGib[]> {
  return [
    ...(await recordsOf(space, attestations, "session", ({ head }) => head.context)),
    ...(await recordsOf(space, attestations, "lane", ({ session }) => session)),
    ...(await recordsOf(space, attestations, "identity", ({ lane }) => lane)),
  ];
}

/**
 * The frames of the keystones that `attestations` rest on, each chain up to the last frame that claims a target of
 * theirs, and the contexts among those targets.
 */
async function recordsOf(
  space: Space,
  attestations: readonly Attestation[],
  kind: keyof Attester,
  targetOf: (attestation: Attestation) => Address,
): Promise<readonly IbGib[]> {
  const targets = new Set<string>(attestations.map(targetOf));
  const records: IbGib[] = [];
  for (const keystone of new Set(attestations.map((attestation) => attestation[kind]))) {
    const filed = await space.proofs(evidenceGroup(keystone));
    const frames = filed.filter(({ ib }) => ib !== "context");
    records.push(...upToClaim(frames, ({ target }) => targets.has(target)));
    records.push(...filed.filter(({ ib, address }) => ib === "context" && targets.has(address)));
  }
  return records;
}

interface HeadCell {
  readonly head: AttestedHead;
  readonly cell: Cell<Attestation>;
}

function readHeads(space: Space, heads: readonly AttestedHead[]): Promise<readonly HeadCell[]> {
  return Promise.all(
    heads.map(async (head) => ({
      head,
      cell: await readCell(space, cellKinds.attested, gibOf(head.entry.head)),
    })),
  );
}

const isFresh = ({ cell }: HeadCell): boolean => cell.value === undefined;

/** The newest turn of S among `proofs`: its context, and the frame that claims it. */
function commitTurn(session: Address, proofs: readonly ProofPut[]): { context: IbGib; frame: IbGib } {
  const said = proofs.flatMap(({ group, record }) => (group === session ? [record] : []));
  const context = said.findLast(({ ib }) => ib === "context");
  const frame = said.findLast(({ ib }) => ib !== "context");
  assert(context && frame && claimOf(frame).target === context.address, "a commit is the newest turn of S");
  return { context, frame };
}

import { assert } from "../base/index.js";
import { type Address, gibOf, type IbGib, toText } from "../ibgib/index.js";
import { claimOf } from "../keystone/index.js";
import {
  type AttestedHead,
  type Attester,
  attestHeads,
  type CommitEntry,
  chainsOf,
  checkAttested,
  type Established,
  type Evidence,
} from "../saga/index.js";
import type { ProofPut, Space } from "../space/index.js";
import { type Cell, cellKinds, changeCell, readCell } from "./cells.js";
import {
  evidenceGroup,
  fileChain,
  fileFrames,
  type Filing,
  framesUpTo,
  joinFilings,
  type NewestFrames,
  fileUpTo,
  upToClaim,
} from "./evidence-files.js";

/** A head, what proves who added it, and who that was. */
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
 * @throws KeysagaError `store_failed` where frames of S are not kept any more, because more than `sessionsKept` newer
 *   sessions of its lane have come; `duplicity` where other frames of a keystone were filed first.
 */
export async function keepOwn(
  { space, established, newest, proofs }: CommittingSession,
  entries: readonly CommitEntry[],
): Promise<Filing> {
  const { identity, lane, session } = established;
  const { context, frame } = commitTurn(session, proofs);
  const fresh = (await readHeads(space, attestHeads(entries, context.address))).filter(isFresh);
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

/**
 * Checks evidence that came, all of it before any is kept. A head that is attested here already keeps what it has, and
 * is not looked at again.
 *
 * @param heads With their `records`, as `readEvidence` gives them.
 * @returns What a commit has to take in; and the identity that added each head, those kept before included.
 * @throws KeysagaError `attestation_refused`; `duplicity` where a keystone's frames are not those filed before.
 */
export async function keepAttested(
  space: Space,
  heads: readonly AttestedHead[],
  records: readonly IbGib[],
): Promise<Filing & { readonly attesters: ReadonlyMap<Address, Address> }> {
  const read = await readHeads(space, heads);
  const fresh = read.filter(isFresh);
  const checked = checkAttested(
    fresh.map(({ head }) => head),
    records,
  );
  const attestations = fresh.map(({ head }, at) => ({ head, ...checked[at]! }));
  const chains = chainsOf(records);
  const keystones = new Set(attestations.flatMap(({ identity, lane, session }) => [identity, lane, session]));
  const filings = await Promise.all(
    [...keystones].map((keystone) => fileChain(space, keystone, chains.get(keystone) ?? [])),
  );
  const byAddress = new Map(records.map((record) => [record.address, record]));
  const kept: Filing = {
    proofs: attestations.flatMap(({ head, session }) => {
      const context = byAddress.get(head.context);
      return context ? [{ group: evidenceGroup(session), record: context }] : [];
    }),
    cells: fresh.map(({ cell }, at) => changeCell(cell, attestations[at]!)),
  };
  const known = read.flatMap(({ cell }) => (cell.value ? [cell.value] : []));
  return {
    ...joinFilings([...filings, kept]),
    attesters: new Map([...known, ...attestations].map(({ head, identity }) => [head.entry.head, identity])),
  };
}

/** Who added a head to its timeline, where that is attested here. */
export async function attestationOf(space: Space, head: Address): Promise<Attestation | undefined> {
  return (await readCell(space, cellKinds.attested, gibOf(head))).value;
}

/**
 * What it takes to prove elsewhere who added `heads`: each record once, whatever rests on it. Those that are not
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

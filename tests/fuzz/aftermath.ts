import { type Address, gibOf, ownerOf, readRecord, tjpOf, isMerge } from "../../src/ibgib/index.js";
import { verifySpace } from "../../src/peer/index.js";
import type { Scanned } from "../../src/space/index.js";
import type { Player } from "./cast.js";
import type { Outcome } from "./ordeal.js";
import { isNamed } from "./recording.js";

type Records = ReadonlyMap<string, Uint8Array>;

/** What a space shows: records by gib, the tip of each timeline, and the gibs of proofs. */
export interface Shown {
  readonly records: Records;
  readonly tips: ReadonlyMap<Address, Address>;
  readonly proofs: ReadonlySet<string>;
}

export async function shownBy({ space }: Pick<Player, "space">): Promise<Shown> {
  const records = new Map<string, Uint8Array>();
  const tips = new Map<Address, Address>();
  const proofs = new Set<string>();
  for await (const found of space.scan() as AsyncIterable<Scanned>) {
    if (found.kind === "record") records.set(found.gib, found.bytes);
    else if (found.kind === "tip") tips.set(found.tip.tjp, found.tip.address);
    else if (found.kind === "proof") proofs.add(found.gib);
    else if (found.kind === "damaged") throw new Error(`damaged: ${found.table}`);
  }
  return { records, tips, proofs };
}

/** Which of an attack's traces are looked at how closely. */
export type Trace = "untouched" | "as honest people left it" | "with the attacker's own";

/**
 * What an attack may leave: nothing, before somebody has proved who they are; what the recorded saga leaves, where the
 * attacker signed nothing of its own; else what is its own to write, and a space in which everything is in order.
 */
export async function judgeAftermath(outcome: Outcome, isSampled: boolean): Promise<Trace> {
  const { attack, attacker, victim } = outcome;
  if (!victim.rewindable.store.isTouched) return "untouched";
  const proof = attack.on === "receiver" ? "connect" : "challenge";
  if (!attacker.said.some((message) => isNamed(message, proof)))
    throw new Error(`touched before any ${proof}`);
  const { before, after } = attack.recording.traces[attack.on];
  const now = await shownBy(victim);
  for (const gib of before.records.keys()) if (!now.records.has(gib)) throw new Error("a record is lost");
  const strange = [...now.records].filter(([gib]) => !before.records.has(gib) && !after.records.has(gib));
  const isHonest = strange.length === 0 && tipsAmong(now, [before, after]);
  if (!attack.isSigned) {
    if (!isHonest) throw new Error("a graph that nobody has signed for");
    for (const gib of now.proofs)
      if (!before.proofs.has(gib) && !after.proofs.has(gib)) throw new Error("a proof that nobody made");
  }
  for (const [, bytes] of strange) expectOwn(outcome, now, bytes);
  if (!isHonest || isSampled) await expectInOrder(victim);
  return isHonest ? "as honest people left it" : "with the attacker's own";
}

/** Is every tip a frame that honest people have made? */
function tipsAmong(now: Shown, times: readonly Shown[]): boolean {
  return [...now.tips.values()].every((tip) => times.some(({ records }) => records.has(gibOf(tip))));
}

/**
 * A frame that no honest peer has made stands on a timeline that its maker may write, or is a merge of what does. A first
 * frame that names another owner is a record like any other, as long as it is nobody's tip.
 */
function expectOwn({ attack }: Outcome, { records, tips }: Shown, bytes: Uint8Array): void {
  const record = readRecord(bytes);
  const tjp = tjpOf(record);
  if (tjp === undefined || isMerge(record)) return;
  if (tjp === record.address && !tips.has(tjp)) return;
  const { sam, rita } = attack.recording.cast;
  const maker = attack.on === "receiver" ? sam.address : rita.address;
  const first = tjp === record.address ? bytes : records.get(gibOf(tjp));
  const owner = first && ownerOf(readRecord(first));
  const isGranted = attack.on === "receiver" && attack.recording.story.samMayWrite === true;
  if (owner !== undefined && owner !== maker && !isGranted)
    throw new Error(`a frame on somebody else's timeline: ${record.ib} of ${owner}`);
}

async function expectInOrder({ space, address }: Player): Promise<void> {
  for await (const found of verifySpace(space, { owner: address }))
    if (found.kind === "problem") throw new Error(`not in order: ${JSON.stringify(found.problem)}`);
}

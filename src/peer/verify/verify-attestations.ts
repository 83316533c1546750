import { type Address, gibOf, type IbGib, isTjp, makerOf } from "../../ibgib/index.js";
import { readAttested } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, readCell } from "../home/cells.js";
import { provingRecords } from "../rights/attestations.js";
import { evidenceGroup } from "../rights/evidence-files.js";
import { framesOf, replayKeystone } from "./verify-keystones.js";
import { detailOf, type Problem, problem } from "./verify-problem.js";

/**
 * Replays the frames of a keystone that are filed as evidence, once for each keystone: where its genesis is met.
 *
 * @param group An evidence group that `record` is filed under.
 */
export async function* verifyFiled(space: Space, record: IbGib, group: Address): AsyncGenerator<Problem> {
  if (!isTjp(record)) return; // looked at with its keystone, and with the heads that rest on it
  if (evidenceGroup(record.address) !== group) return yield problem(record.address, "place", group);
  const { value } = await readCell(space, cellKinds.evidence, record.address);
  const frames = framesOf(await space.proofs(group));
  const broken = replayKeystone(record, frames);
  if (broken !== undefined) yield broken;
  else if (value === undefined || frames[value.n]?.address !== value.tip)
    yield problem(record.address, "cell", "does not say how far it is filed as evidence");
}

/**
 * What proves who made a frame is kept, under the keystones that the cell names, and that one is the maker that the frame
 * names. Signatures are for `verifyFiled`.
 *
 * @param key Of any cell.
 */
export async function* verifyAttested(space: Space, key: string): AsyncGenerator<Problem> {
  const { prefix } = cellKinds.attested;
  if (!key.startsWith(prefix)) return;
  const { value } = await readCell(space, cellKinds.attested, key.slice(prefix.length));
  if (value === undefined) return;
  const { head } = value;
  const at = head.entry.head;
  if (key !== prefix + gibOf(at)) return yield problem(at, "cell", key);
  try {
    readAttested([head], await provingRecords(space, [value]));
  } catch (thrown) {
    yield problem(at, "not_attested", detailOf(thrown));
  }
  const [frame, first] = await space.getMany([at, head.entry.tjp]);
  const maker = frame && first && makerOf(frame, first);
  if (maker !== undefined && maker !== value.identity) yield problem(at, "not_attested", "not by its maker");
}

/**
 * Commits without end, in two lanes at once, each a timeline with its counter cell and its proofs; every other commit
 * is staged before, in portions that go to the store. Prints `LANE COUNT` after each commit that has resolved.
 *
 *     write-on.ts PATH
 */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { type IbGib, mutate, sealRecord } from "../../../src/ibgib/index.js";
import { openLmdbSpace } from "../../../src/space/lmdb-space.js";
import { framesPerCommit, laneFirst, laneGroup, lanes } from "./lanes.js";

const [path = ""] = argv.slice(2);
const space = await openLmdbSpace({ path, limits: { stagedBytesInMemoryMax: 0 } });
writeSync(1, "ready\n");
await Promise.all(lanes.map(write));

async function write(lane: string): Promise<void> {
  const first = laneFirst(lane);
  const tjp = first.address;
  for (;;) {
    const tip = await space.tip(tjp);
    const frame = tip && (await space.get(tip.address));
    const cell = await space.cell(lane);
    const count = 1 + Number(cell === undefined ? 0 : Buffer.from(cell).toString());
    const frames = grow(frame ?? first, frame === undefined);
    const isStaged = count % 2 === 0;
    if (isStaged) for (const each of frames) await space.stage(lane, tjp, { holders: [] }, [each]);
    const result = await space.commit({
      ...(isStaged ? { saga: lane } : { puts: frames }),
      holder: tjp,
      sight: { holders: [] },
      tips: [{ tjp, from: tip?.address, to: frames.at(-1)?.address ?? tjp }],
      proofs: [{ group: laneGroup(lane), record: sealRecord({ ib: "context", data: { lane, count } }) }],
      cells: [{ key: lane, from: cell, to: Buffer.from(String(count)) }],
    });
    if (result.kind !== "committed") throw new Error(`nobody else writes here, and yet: ${result.kind}`);
    writeSync(1, `${lane} ${count}\n`);
  }
}

/** The frames of one commit; the first commit brings the first frame along. */
function grow(from: IbGib, isNew: boolean): IbGib[] {
  const frames = isNew ? [from] : [];
  let newest = from;
  for (let made = 0; made < framesPerCommit; made++) {
    newest = mutate(newest, { text: "x".repeat(200) });
    frames.push(newest);
  }
  return frames;
}

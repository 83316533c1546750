/**
 * Counts in a cell and with a timeline at once, against others that do, until it has counted so often itself. It reads,
 * says so, and waits for the cell `go` before it counts for the first time: of those that have read the same, one wins.
 * Prints each number that it has won, then how often it was too late.
 *
 *     count.ts PATH FIRST-FRAME COUNT
 */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { setTimeout } from "node:timers/promises";
import { type IbGib, mutate, parseAddress } from "../../../src/ibgib/index.js";
import type { Space } from "../../../src/space/index.js";
import { openLmdbSpace } from "../../../src/space/lmdb-space.js";

const [path = "", first, count] = argv.slice(2);
const tjp = parseAddress(first);
const space = await openLmdbSpace({ path });
let seen = await look(space);
writeSync(1, "ready\n");
while ((await space.cell("go")) === undefined) await setTimeout(1);
let late = 0;
for (let won = 0; won < Number(count); seen = await look(space)) {
  const number = await countOnce(space, seen);
  if (number === undefined) late++;
  else {
    writeSync(1, `${number}\n`);
    won++;
  }
}
writeSync(1, `late ${late}\n`);
await space.close();

interface Seen {
  readonly frame: IbGib;
  readonly from: Uint8Array | undefined;
}

async function look(space: Space): Promise<Seen> {
  const tip = await space.tip(tjp);
  const from = await space.cell("count");
  const frame = tip && (await space.get(tip.address));
  if (frame === undefined) throw new Error("the timeline is gone");
  return { frame, from };
}

/** The number that was won, or undefined where another was faster. */
async function countOnce(space: Space, { frame, from }: Seen): Promise<number | undefined> {
  const number = 1 + Number(from === undefined ? 0 : Buffer.from(from).toString());
  const next = mutate(frame, { by: process.pid, number });
  const { kind } = await space.commit({
    holder: tjp,
    sight: "anyone",
    puts: [next],
    tips: [{ tjp, from: frame.address, to: next.address }],
    cells: [{ key: "count", from, to: Buffer.from(String(number)) }],
  });
  if (kind === "notClosed") throw new Error("a commit was not closed");
  return kind === "committed" ? number : undefined;
}

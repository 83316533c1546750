/**
 * Commits cells until the disk is full, and then removes one. Prints what became of each.
 *
 *     fill-up.ts PATH
 */
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { KeysagaError } from "../../../src/base/index.js";
import { sealRecord } from "../../../src/ibgib/index.js";
import { openLmdbSpace } from "../../../src/space/lmdb-space.js";

process.on("SIGXFSZ", () => undefined); // else a full disk is the end of the process
const [path = ""] = argv.slice(2);
const holder = sealRecord({ ib: "filler", data: { a: 1 } }).address;
const space = await openLmdbSpace({ path });
const value = new Uint8Array(50_000).fill(7);
let outcome = "";
for (let i = 0; outcome !== "store_failed"; i++) {
  outcome = await change(`cell ${i}`, undefined, value);
  writeSync(1, `${outcome}\n`);
}
writeSync(1, `${(await space.cells("")).length} cells\n`);
writeSync(1, `${await change("cell 0", value, undefined)}\n`);
writeSync(1, `${(await space.cells("")).length} cells\n`);
await space.close();

async function change(
  key: string,
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
): Promise<string> {
  try {
    return (await space.commit({ holder, sight: { holders: [] }, cells: [{ key, from, to }] })).kind;
  } catch (thrown) {
    if (thrown instanceof KeysagaError) return thrown.code;
    throw thrown;
  }
}

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { forgetCanaries } from "../canary/watch.js";
import { ledger } from "../one-time/ledger.js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/**
 * Bytes of this process that are in use right after a collection: objects and buffers, without what the suite's own
 * watchers remember of keys and secrets.
 */
export async function heapInUse(): Promise<number> {
  forgetCanaries();
  ledger().anew();
  for (let at = 0; at < 3; at++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Runs all of `cases`, and says by what factor the heap has grown since the first tenth of them, which warms up what
 * is kept on purpose: compiled code, and caches of a fixed size.
 */
export async function growthOver<Case>(
  cases: readonly Case[],
  run: (one: Case) => Promise<void> | void,
): Promise<number> {
  const warm = Math.ceil(cases.length / 10);
  for (const one of cases.slice(0, warm)) await run(one);
  const before = await heapInUse();
  for (const one of cases.slice(warm)) await run(one);
  return (await heapInUse()) / before;
}

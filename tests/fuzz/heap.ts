import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes of this process that are in use right after a collection: objects and buffers. */
export async function heapInUse(): Promise<number> {
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

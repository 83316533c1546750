import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface Memory {
  /** JavaScript objects and buffers that are in use: what is left right after a garbage collection. */
  readonly heap: number;
  /** Memory of the process that is not backed by a file: without the pages of the store it has mapped. */
  readonly resident: number;
}

/** Needs `--expose-gc`. */
export function measureMemory(): Memory {
  const resident = anonymousBytes() ?? process.memoryUsage().rss;
  for (let at = 0; at < 3; at++) global.gc?.(); // what a buffer holds goes a collection after the buffer
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed + arrayBuffers, resident };
}

/** Linux says it; elsewhere the whole resident set has to do. */
function anonymousBytes(): number | undefined {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Open files and sockets of this process; 0 where the system does not say. */
export function countDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

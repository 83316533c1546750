/** The receiver's process: a real WebSocket server over an LMDB space that starts empty. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createIdentity, createReceiver } from "keysaga";
import { openLmdbSpace, serve as serveReceiver } from "keysaga/node";
import { type Api, serve } from "./child.js";

let close = async (): Promise<void> => {};

const api = {
  /** A new home with an empty space; gives the origin it answers at. */
  async open(_: undefined): Promise<string> {
    await close();
    const path = mkdtempSync(join(tmpdir(), "keysaga-bench-"));
    const space = await openLmdbSpace({ path });
    const identity = await createIdentity({
      space,
      secret: randomBytes(32),
      recoverySecret: randomBytes(32),
    });
    const server = await serveReceiver({
      host: "127.0.0.1",
      port: 0,
      receiver: (url) => createReceiver({ identity, audiences: [url], admission: { kind: "open" } }),
    });
    close = async () => {
      close = async () => {};
      await server.close();
      await space.close();
      rmSync(path, { recursive: true });
    };
    return server.url;
  },

  async close(_: undefined): Promise<void> {
    await close();
  },

  /** Begins to watch this process's memory; what it has now counts as its floor. Each look collects garbage. */
  async watchMemory({ everyMs }: { everyMs: number }): Promise<void> {
    floor = measureMemory();
    peak = { ...floor };
    clearInterval(watch);
    watch = setInterval(takePeak, everyMs);
  },

  /** What came on top of the floor since `watchMemory`, in bytes. */
  async memoryGrown(_: undefined): Promise<Memory> {
    clearInterval(watch);
    takePeak();
    return { heap: peak.heap - floor.heap, resident: peak.resident - floor.resident };
  },

  /** All that this process has, in bytes. */
  async memoryNow(_: undefined): Promise<Memory> {
    return measureMemory();
  },
} satisfies Api;
export type ReceiverApi = typeof api;

export interface Memory {
  /** JavaScript objects and buffers that are in use: what is left right after a garbage collection. */
  readonly heap: number;
  /** Memory of the process that is not backed by a file: without the pages of the store it has mapped. */
  readonly resident: number;
}

let floor: Memory = { heap: 0, resident: 0 };
let peak = { ...floor };
let watch: NodeJS.Timeout | undefined;

function takePeak(): void {
  const { heap, resident } = measureMemory();
  peak = { heap: Math.max(peak.heap, heap), resident: Math.max(peak.resident, resident) };
}

/** Needs `--expose-gc`. */
function measureMemory(): Memory {
  const resident = anonymousBytes() ?? process.memoryUsage().rss;
  global.gc?.();
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

serve(api);

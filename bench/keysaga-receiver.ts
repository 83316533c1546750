/** The receiver's process: a real WebSocket server over an LMDB space that starts empty. */

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, admitIdentity, createIdentity, createReceiver, type ReceiverLimits } from "keysaga";
import { openLmdbSpace, type ServerLimits, serve as serveReceiver } from "keysaga/node";
import { type Api, serve } from "./child.js";
import { countDescriptors, type Memory, measureMemory } from "./memory.js";

/** Limits other than the usual ones. */
export interface Bounds {
  readonly receiver?: Partial<ReceiverLimits>;
  readonly server?: Partial<ServerLimits>;
  /** Lets nobody in but those of `admit`. */
  readonly isClosed?: boolean;
}

let close = async (): Promise<void> => {};
let admit = async (_: Address): Promise<void> => {};

const api = {
  /** A new home with an empty space; gives the origin it answers at. */
  async open(bounds: Bounds): Promise<string> {
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
      limits: bounds.server ?? {},
      receiver: (url) =>
        createReceiver({
          identity,
          audiences: [url],
          admission: bounds.isClosed ? { kind: "allow-list", identities: [] } : { kind: "open" },
          limits: bounds.receiver ?? {},
        }),
    });
    admit = async (address) => void (await admitIdentity(identity, address));
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

  async admit(address: Address): Promise<void> {
    await admit(address);
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

  async descriptors(_: undefined): Promise<number> {
    return countDescriptors();
  },
} satisfies Api;
export type ReceiverApi = typeof api;

let floor: Memory = { heap: 0, resident: 0 };
let peak = { ...floor };
let watch: NodeJS.Timeout | undefined;

function takePeak(): void {
  const { heap, resident } = measureMemory();
  peak = { heap: Math.max(peak.heap, heap), resident: Math.max(peak.resident, resident) };
}

serve(api);

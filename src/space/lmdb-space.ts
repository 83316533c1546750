import { type SpaceLimits, spaceLimits } from "./limits.js";
import { openLmdbStore } from "./lmdb-store.js";
import { enterOpener } from "./openers.js";
import type { Space } from "./space.js";
import type { Store } from "./store.js";
import { StoreSpace } from "./store-space.js";

export interface LmdbSpaceOptions {
  /** A directory; made where it is not there. */
  readonly path: string;
  readonly limits?: Partial<SpaceLimits>;
}

/**
 * Opens the space in a directory, and drops what processes that were killed had staged there. Several processes may
 * have the same directory open; within one process, open it from one thread.
 *
 * A damaged file can crash the process instead: check a doubtful one in a child process.
 *
 * @throws KeysagaError `lmdb_missing`, `store_failed`, `store_damaged`, `disk_full` or `file_refused`, with the fact
 *   `reason`.
 */
export async function openLmdbSpace({ path, limits = {} }: LmdbSpaceOptions): Promise<Space> {
  return openSpaceOn(await openLmdbStore(path), limits);
}

/** A space over the tables that processes of this machine share; they are closed where it cannot be opened. */
export async function openSpaceOn(store: Store, limits: Partial<SpaceLimits> = {}): Promise<Space> {
  try {
    const opener = await enterOpener(store, { pid: process.pid, isAlive });
    return new StoreSpace(store, { limits: { ...spaceLimits, ...limits }, opener });
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // Not allowed to signal it: then it is there.
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}

/** Waiting for what has no event of its own. No test fails because a machine is slow: only what hangs takes so long. */

/** For crowds on a busy machine: what is lost is never found, however long it is waited for. */
export const patient = { handshakeTimeoutMs: 600_000, turnTimeoutMs: 600_000 };

/** What is waited for longer than this does not come, however busy the machine is. */
const patienceMs = 5 * 60_000;
/** So often a look costs nothing but a turn of the event loop; after that there is time to let others work. */
const eagerLooks = 200;

/** Waits, by looking. @returns False where it does not come. */
export async function eventually(holds: () => boolean): Promise<boolean> {
  const end = performance.now() + patienceMs;
  for (let looks = 0; !holds(); looks++) {
    if (performance.now() > end) return false;
    await (looks < eagerLooks ? turn() : sleep(2));
  }
  return true;
}

/** Waits, by looking. @throws Error where it does not come. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  if (!(await eventually(holds))) throw new Error(`waited in vain: ${what}`);
}

/**
 * Lets everything happen that needs no time to pass: within one process, in memory or over loopback, what has not happened
 * after so many turns of the event loop will not. With other processes, or a disk, there is no such moment.
 */
export async function settled(turns = 500): Promise<void> {
  for (let at = 0; at < turns; at++) await turn();
}

/** One turn of the event loop: sockets have had a chance to read and write, every promise that can settle has. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

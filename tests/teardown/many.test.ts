import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { programOf } from "../programs/program.js";

/** How many sagas fail; of each five, one over a real WebSocket or by a stranger there. */
const sagas = Number(process.env["KEYSAGA_FAILED_SAGAS"] ?? 500);
/**
 * How much the heap may grow from half way to the end, when two fifths of all sagas have failed meanwhile. One that is left
 * behind weighs more than 10 KiB. What V8 compiles grows for long, so it does not optimize here.
 */
const heapTolerance = 512 * 1024;

interface Look {
  readonly when: string;
  readonly failed: number;
  readonly heap: number;
  readonly handles: Readonly<Record<string, number>>;
}
interface Left {
  readonly objects: Readonly<Record<string, number>>;
  readonly collections: readonly string[];
}

test(
  `${sagas} sagas that fail in one process leave nothing behind (threat 24)`,
  async () => {
    const overWebSocket = Math.ceil(sagas / 5);
    const lines = await failOften(quickDirectory(), sagas - overWebSocket, overWebSocket);
    const [start, half, end] = lines.slice(0, 3) as readonly Look[];
    const { objects, collections } = lines[3] as Left;
    expect(end!.failed).toBeGreaterThan(sagas * 0.9);
    expect([half!.handles, end!.handles]).toEqual([start!.handles, start!.handles]);
    expect(objects).toEqual({ ReceiverSession: 0, SenderSession: 0, WireConnection: 0 });
    // That two were first met within the hour is meant to be remembered.
    expect(collections).toContain("Quotas #newcomers Map(2)");
    const others = collections.filter((collection) => !collection.startsWith("Quotas #newcomers"));
    expect(others).toHaveLength(9);
    for (const collection of others) expect(collection).toMatch(/ (Map|Set)\(0\)$/);
    console.log(`heap: ${lines.slice(0, 3).map((look) => (look as Look).heap)} bytes`);
    expect(end!.heap - half!.heap).toBeLessThan(heapTolerance);
  },
  600_000 + sagas * 500,
);

/** In memory where there is such a place: what is stored is not what is measured, and need not be flushed to a disk. */
function quickDirectory(): string {
  const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "keysaga-many-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function failOften(directory: string, inMemory: number, overWebSocket: number): Promise<unknown[]> {
  const running = promisify(execFile)(process.execPath, [
    ...["--expose-gc", "--no-opt", "--disable-warning=ExperimentalWarning"],
    ...[programOf("tests/teardown/many/fail-often.ts"), directory, String(inMemory), String(overWebSocket)],
  ]);
  onTestFinished(() => void running.child.kill());
  const { stdout } = await running;
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

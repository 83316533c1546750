import { afterAll, describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { type FaultName, faultNames } from "./faults.js";
import { eventually, openLab } from "./lab.js";
import { benchOf, record, runCell, tell } from "./matrix.js";
import { type Impossible, type RowOutcomes, rows } from "./rows.js";

/** Over a real WebSocket, a sample of each row. */
const sample: readonly FaultName[] = ["wrong type", "replayed", "truncated", "text for binary"];

let cells = 0;
const left = new Map<string, string[]>();

afterAll(() => {
  console.log(`protocol matrix: ${cells} cells ran; impossible:`);
  for (const [reason, names] of left) console.log(`  ${reason}: ${names.join(", ")}`);
});

describe("each message of the protocol, made invalid in each way, over innerspace", () => {
  test.each(rows)("$name to the $to", async (row) => {
    const lab = await openLab(`${row.name} to ${row.to}`, { senders: ["alice", "carol"] });
    await runRow(row, faultNames, lab);
    await lab.world.close();
  });
});

describe("a sample of each over a WebSocket", () => {
  test.each(rows)("$name to the $to", async (row) => {
    const lab = await openLab(`${row.name} to ${row.to}`, {
      senders: ["alice", "carol"],
      network: () => webSocketNetwork(),
    });
    await runRow(row, sample, lab);
    await lab.world.close();
  });
});

async function runRow(
  row: RowOutcomes,
  faults: readonly FaultName[],
  lab: Awaited<ReturnType<typeof openLab>>,
) {
  const bench = benchOf(lab);
  const foreign = await record(bench, row.story);
  const resources = openResources();
  const [seen, expected] = [new Map<FaultName, string>(), new Map<FaultName, string>()];
  let roots: readonly Address[] | undefined;
  for (const fault of faults) {
    const outcome = row.outcomes[fault];
    if (typeof outcome !== "string") {
      leave(row, fault, outcome);
      continue;
    }
    roots ??= await tell(row.story, bench, bench.alice);
    const cell = await runCell(bench, row, fault, roots, foreign(row.to, row.name));
    if (cell.isSpent) roots = undefined;
    seen.set(fault, cell.seen);
    expected.set(fault, outcome);
    cells++;
  }
  expect(seen).toEqual(expected);
  expect(await eventually(() => openResources() <= resources)).toBe(true);
}

function leave({ name, to }: RowOutcomes, fault: FaultName, { impossible }: Impossible): void {
  const names = left.get(impossible) ?? [];
  left.set(impossible, [...new Set([...names, `${fault} ${name} to the ${to}`])]);
}

/** Sockets and timers that keep a process alive. */
function openResources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|Timeout/.test(name)).length;
}

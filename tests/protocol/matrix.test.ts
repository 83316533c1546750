import { afterAll, describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import type { Network, Peer } from "../../src/testing/index.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { signOften } from "../scenarios/turns.js";
import { type FaultName, faultNames } from "./faults.js";
import { openLab } from "./lab.js";
import { benchOf, limitsOf, record, runCell, tell } from "./matrix.js";
import { type Either, type Impossible, type RowOutcomes, rows } from "./rows.js";
import { eventually } from "../waiting.js";

/** Over a real WebSocket, a sample of each row. */
const sample: readonly FaultName[] = ["wrong type", "replayed", "truncated", "text for binary"];

let cells = 0;
const left = new Map<string, string[]>();

afterAll(() => {
  console.log(`protocol matrix: ${cells} cells ran; impossible:`);
  for (const [reason, names] of left) console.log(`  ${reason}: ${names.join(", ")}`);
});

describe("each message of the protocol, made invalid in each way, over innerspace (threats 1, 6, 23)", () => {
  test.each(rows)("$name to the $to", async (row) => {
    const lab = await labFor(row, faultNames);
    await runRow(row, faultNames, lab);
    await lab.world.close();
  });
});

describe("a sample of each over a WebSocket (threats 1, 23)", () => {
  test.each(rows)("$name to the $to", async (row) => {
    const lab = await labFor(row, sample, () => webSocketNetwork());
    await runRow(row, sample, lab);
    await lab.world.close();
  });
});

/** What goes ahead is said to strangers only: there is a newcomer for each fault. */
function labFor({ name, to, story }: RowOutcomes, faults: readonly FaultName[], network?: () => Network) {
  return openLab(`${name} to ${to}`, {
    senders: ["alice", "carol", ...(name === "frames" ? faults : [])],
    ...(limitsOf[story] && { limits: limitsOf[story] }),
    ...(network && { network }),
    ...(story === "newcomer" && { earlier: (bob: Peer) => signOften(bob, sagaLimits.framesShownMax) }),
  });
}

async function runRow(
  row: RowOutcomes,
  faults: readonly FaultName[],
  lab: Awaited<ReturnType<typeof openLab>>,
) {
  const [bench, newcomers] = [benchOf(lab), lab.world.senders.slice(2)];
  const foreign = await record(bench, row.story);
  const resources = openResources();
  const [seen, expected] = [new Map<FaultName, string>(), new Map<FaultName, string>()];
  let roots: readonly Address[] | undefined;
  for (const fault of faults) {
    const outcome = row.outcomes[fault];
    if (typeof outcome === "object" && "impossible" in outcome) {
      leave(row, fault, outcome);
      continue;
    }
    const alice = newcomers.shift() ?? bench.alice;
    roots ??= await tell(row.story, bench, alice);
    const cell = await runCell({ ...bench, alice }, row, fault, roots, foreign(row.to, row.name));
    if (cell.isSpent || row.name === "frames") roots = undefined;
    seen.set(fault, cell.seen);
    expected.set(fault, expectedOf(outcome, cell.seen));
    cells++;
  }
  expect(seen).toEqual(expected);
  expect(await eventually(() => openResources() <= resources)).toBe(true);
}

function expectedOf(outcome: string | Either, seen: string): string {
  if (typeof outcome === "string") return outcome;
  return outcome.either.includes(seen) ? seen : outcome.either.join(" or ");
}

function leave({ name, to }: RowOutcomes, fault: FaultName, { impossible }: Impossible): void {
  const names = left.get(impossible) ?? [];
  left.set(impossible, [...new Set([...names, `${fault} ${name} to the ${to}`])]);
}

/** Sockets and timers that keep a process alive. */
function openResources(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCPSocket|Timeout/.test(name)).length;
}

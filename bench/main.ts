/**
 * `npm run bench`: what a push costs, next to the bare exchange of the same bytes. Prints a table, then one line of
 * JSON. Measures the built package, each side in a process of its own. Takes less than a minute.
 */
import { Bench, type Comparison, type MemoryUse, measureMemory } from "./measure.js";
import { showMs, table } from "./statistics.js";
import { type Shape, shapes, shapeTexts } from "./workload.js";

const pushed = 10_000;
const pushRuns: Readonly<Record<Shape, number>> = { timelines: 9, "one-timeline": 5, stones: 5 };
const connectionRuns = 60;
const meetingRuns = 30;
const memoryCounts = [10_000, 90_000];

async function main(): Promise<void> {
  const bench = new Bench();
  const jobs: Comparison[] = [];
  try {
    for (const shape of shapes)
      jobs.push(
        await bench.push(`push of ${pushed} records: ${shapeTexts[shape]}`, shape, pushed, pushRuns[shape]),
      );
    jobs.push(await bench.record("new connection, one record, known sender", connectionRuns));
    jobs.push(await bench.meeting("new connection, one record, first meeting", meetingRuns));
  } finally {
    await bench.end();
  }
  console.log(comparisonTable(jobs));

  const memory: MemoryUse[] = [];
  for (const count of memoryCounts) memory.push(await measureMemory("timelines", count));
  console.log(`\n${memoryTable(memory)}\n`);
  console.log(JSON.stringify({ jobs, memory }));
}

function comparisonTable(jobs: readonly Comparison[]): string {
  const head = ["milliseconds: median (middle half)", "keysaga", "bare", "ratio", "bare, 4 flushes", "ratio"];
  return table([
    head,
    ...jobs.map(({ job, keysaga, bare, ratio, bareDurable, ratioDurable }) => [
      job,
      showMs(keysaga),
      showMs(bare),
      ratio.toFixed(2),
      showMs(bareDurable),
      ratioDurable.toFixed(2),
    ]),
  ]);
}

function memoryTable(memory: readonly MemoryUse[]): string {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  return table([
    ["receiver's memory, MiB over its start", "sent", "in use", "resident", "largest message, KiB"],
    ...memory.map(({ records, bytes, grown, largestMessageBytes }) => [
      `${records} records`,
      mebibytes(bytes),
      mebibytes(grown.heap),
      mebibytes(grown.resident),
      (largestMessageBytes / 2 ** 10).toFixed(0),
    ]),
  ]);
}

await main();

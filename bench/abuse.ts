/**
 * `npm run bench:abuse`: what strangers who abuse a receiver cost it, and those who sync with it meanwhile, next to the
 * same syncs on a quiet day. Prints tables, then one line of JSON. Takes about two minutes; `-- chains` alone
 * measures the second table.
 */
import type { ChainsApi, Shown } from "./abuse-chains.js";
import type { Abused, StrangersApi } from "./abuse-strangers.js";
import { Child } from "./child.js";
import type { ReceiverApi } from "./keysaga-receiver.js";
import type { Memory } from "./memory.js";
import type { SenderApi } from "./keysaga-sender.js";
import { showMs, type Summary, summarize, table } from "./statistics.js";

/** Syncs of one record over a new connection each, by somebody honest. */
const syncs = 60;
const warmUp = 20;
/** Of the 1,000 that a server lets hold a connection without a proof: the others are for who is honest. */
const strangers = { held: 900, begunBytes: 260 * 1024, insistent: 2 };
/** As long as it takes until all of them are there, and gone. */
const gatherMs = 12_000;

interface Measured {
  readonly syncMs: Summary;
  /** The most that came on top of what the process had once it was warm. */
  readonly peak: Memory;
  /** What is in use once all is over, right after a collection. */
  readonly after: Memory;
  readonly abused: Abused | undefined;
}

async function measure(isAbused: boolean): Promise<Measured> {
  const receiver = new Child<ReceiverApi>("keysaga-receiver.js", ["--expose-gc"]);
  const sender = new Child<SenderApi>("keysaga-sender.js");
  const others = new Child<StrangersApi>("abuse-strangers.js");
  let edits = 0;
  const sync = async () => {
    await sender.call("edit", `text ${edits++}`);
    return (await sender.call("sync", { isObserved: false })).ms;
  };
  try {
    const audience = await receiver.call("open", {});
    await sender.call("holdNote", { audience });
    for (let at = 0; at < warmUp; at++) await sync();
    await receiver.call("watchMemory", { everyMs: 500 });
    if (isAbused) await others.call("begin", { ...strangers, port: Number(new URL(audience).port) });
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    const took: number[] = [];
    for (let at = 0; at < syncs; at++) took.push(await sync());
    const abused = isAbused ? await others.call("end", undefined) : undefined;
    const peak = await receiver.call("memoryGrown", undefined);
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    return { syncMs: summarize(took), peak, after: await receiver.call("memoryNow", undefined), abused };
  } finally {
    await sender.call("close", undefined);
    await receiver.call("close", undefined);
    await Promise.all([receiver.end(), sender.end(), others.end()]);
  }
}

/** Long chains of identities that are not admitted, three at a time, and the same syncs in between and meanwhile. */
const chains = { connections: 3, frames: 1_000, bytesPerSecond: 1_300_000 };
const rounds = 4;
const halfRoundMs = 8_000;

interface Flooded {
  readonly quietMs: Summary;
  readonly floodedMs: Summary;
  readonly shown: readonly Shown[];
}

/** In rounds by turns, so that a machine with more to do is so for both. */
async function measureChains(): Promise<Flooded> {
  const receiver = new Child<ReceiverApi>("keysaga-receiver.js");
  const sender = new Child<SenderApi>("keysaga-sender.js");
  const others = new Child<ChainsApi>("abuse-chains.js");
  const took = { quiet: [] as number[], flooded: [] as number[] };
  const shown: Shown[] = [];
  const sync = async () => {
    await sender.call("edit", `text ${performance.now()}`);
    return (await sender.call("sync", { isObserved: false })).ms;
  };
  const syncFor = async (into: number[]) => {
    for (const end = performance.now() + halfRoundMs; performance.now() < end; ) into.push(await sync());
  };
  try {
    const audience = await receiver.call("open", { isClosed: true });
    await receiver.call("admit", await sender.call("holdNote", { audience }));
    await others.call("prepare", chains);
    for (let at = 0; at < warmUp; at++) await sync();
    for (let round = 0; round < rounds; round++) {
      await syncFor(took.quiet);
      await others.call("begin", { ...chains, audience });
      await syncFor(took.flooded);
      shown.push(await others.call("end", undefined));
    }
    return { quietMs: summarize(took.quiet), floodedMs: summarize(took.flooded), shown };
  } finally {
    await sender.call("close", undefined);
    await receiver.call("close", undefined);
    await Promise.all([receiver.end(), sender.end(), others.end()]);
  }
}

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
const ratio = (a: number, b: number) => (b > 0 ? (a / b).toFixed(2) : "");

function rowsOf(quiet: Measured, abused: Measured): readonly (readonly string[])[] {
  const bytes = (name: string, of: (measured: Measured) => number) => [
    name,
    mebibytes(of(quiet)),
    mebibytes(of(abused)),
    ratio(of(abused), of(quiet)),
  ];
  return [
    ["", "quiet", "abused", "ratio"],
    [
      "a sync, ms: median (middle half)",
      showMs(quiet.syncMs),
      showMs(abused.syncMs),
      ratio(abused.syncMs.median, quiet.syncMs.median),
    ],
    bytes("in use at its highest, MiB over the start", ({ peak }) => peak.heap),
    bytes("resident at its highest, MiB over the start", ({ peak }) => peak.resident),
    bytes("in use once all is over, MiB", ({ after }) => after.heap),
    bytes("resident once all is over, MiB", ({ after }) => after.resident),
  ];
}

async function compareHeld() {
  const quiet = await measure(false);
  const abused = await measure(true);
  console.log(table(rowsOf(quiet, abused)));
  console.log(`\n${abused.abused?.held} connections held, ${abused.abused?.refused} refused\n`);
  return { quiet, abused };
}

async function compareChains() {
  const measured = await measureChains();
  const { quietMs, floodedMs, shown } = measured;
  const sum = (of: (round: Shown) => number) => shown.reduce((total, round) => total + of(round), 0);
  const pace = sum(({ bytes }) => bytes) / sum(({ seconds }) => seconds);
  const what = `a sync, ms, beside ${chains.connections} connections with long chains, ${(pace / 1e6).toFixed(1)} MB/s`;
  const slower = ratio(floodedMs.median, quietMs.median);
  console.log(
    table([
      ["", "quiet", "flooded", "ratio"],
      [what, showMs(quietMs), showMs(floodedMs), slower],
    ]),
  );
  console.log(`\n${sum(({ tries }) => tries)} connections refused\n`);
  return measured;
}

const isChainsAlone = process.argv[2] === "chains";
const held = isChainsAlone ? undefined : await compareHeld();
console.log(JSON.stringify({ ...held, flooded: await compareChains() }));

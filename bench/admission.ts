/**
 * `npm run bench:admission [-- OTHER/dist]`: what admitting a record costs, from its bytes to a record whose links and
 * chain members were read, next to the hashes of its format alone, and to another build where one is named. All take turns
 * with the same few records, because the machine's pace changes. What is measured is processor time.
 */
import { hash } from "node:crypto";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as keysaga from "keysaga";
import { type Summary, summarize, table } from "./statistics.js";
import { makeGraph, noOne } from "./workload.js";

type Build = Pick<typeof keysaga, "decodeRecord" | "linksOf" | "nOf" | "ownerOf">;

const count = 2_000;
const perTurn = 100;
const rounds = 40;
/** Rounds in which code is still being compiled. */
const warmUp = 5;

const numbers = Array.from({ length: count / 20 }, (_, i) =>
  keysaga.sealRecord({ ib: "numbers", data: { list: Array.from({ length: 300 }, (_, k) => i + k / 7) } }),
);
const lines = Array.from({ length: count / 4 }, (_, i) =>
  keysaga.sealRecord({ ib: "page", data: { text: `${i}. Somebody said: "keysaga"\n`.repeat(60) } }),
);
const isFirst = ({ data }: keysaga.IbGib) => !(data instanceof Uint8Array) && data?.["isTjp"] === true;
const chains = makeGraph("timelines", count, noOne).records.filter(({ ib }) => ib === "note");
const stones = makeGraph("stones", count, noOne).records;

const kinds: Readonly<Record<string, readonly keysaga.IbGib[]>> = {
  "later frames": chains.filter((record) => !isFirst(record)),
  "first frames": repeated(chains.filter(isFirst), count),
  stones: stones.filter(({ ib }) => ib === "leaf"),
  "100 links each": repeated(
    stones.filter(({ ib }) => ib === "parent"),
    perTurn,
  ),
  "120 escapes each": lines,
  "300 numbers each": numbers,
};

function repeated<Item>(items: readonly Item[], length: number): readonly Item[] {
  return Array.from({ length }, (_, at) => items[at % items.length]!);
}

async function main(): Promise<void> {
  const path = process.argv[2];
  const other: Build | undefined = path && (await import(pathToFileURL(resolve(path, "index.js")).href));
  const rows = Object.entries(kinds).map(([kind, records]) => rowOf(kind, records, other));
  console.log(
    table([
      ["processor time, µs a record", "bytes", "keysaga", "hashes", "ratio", "other", "other / keysaga"],
      ...rows,
    ]),
  );
}

function rowOf(kind: string, records: readonly keysaga.IbGib[], other: Build | undefined): readonly string[] {
  const bytes = records.map((record) => record.bytes);
  const size = bytes.reduce((sum, { length }) => sum + length, 0) / bytes.length;
  const jobs: readonly ((record: Uint8Array) => void)[] = [
    (record) => admit(keysaga, record),
    hashParts,
    ...(other === undefined ? [] : [(record: Uint8Array) => admit(other, record)]),
  ];
  const [ours, bare, theirs] = measure(bytes, jobs);
  const show = (summary: Summary | undefined) =>
    summary
      ? `${summary.median.toFixed(2)} (${summary.quartiles.map((each) => each.toFixed(2)).join("–")})`
      : "";
  const ratio = (a: Summary | undefined, b: Summary | undefined) =>
    a && b ? (a.median / b.median).toFixed(2) : "";
  return [
    kind,
    size.toFixed(0),
    show(ours),
    show(bare),
    ratio(ours, bare),
    show(theirs),
    ratio(theirs, ours),
  ];
}

/** As a receiver does: the record admitted, its links looked at, and what its chain is checked by. */
function admit({ decodeRecord, linksOf, nOf, ownerOf }: Build, bytes: Uint8Array): void {
  const record = decodeRecord(bytes);
  for (const _ of linksOf(record));
  nOf(record);
  ownerOf(record);
}

/** What the format cannot do without: a hash of rel8ns, of data, and of both with that of the ib. */
function hashParts(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let hashes = "A".repeat(64);
  let at = 2;
  for (let part = 0; at < bytes.length; part++) {
    const end = at + 4 + view.getUint32(at);
    if (part >= 2) hashes += hash("sha256", bytes.subarray(at + 4, end), "hex");
    at = end;
  }
  hash("sha256", hashes, "hex");
}

function measure(
  records: readonly Uint8Array[],
  jobs: readonly ((record: Uint8Array) => void)[],
): readonly Summary[] {
  const times = jobs.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (let from = 0; from < records.length; from += perTurn) {
      const turn = records.slice(from, from + perTurn);
      for (const [at, job] of jobs.entries()) {
        const began = process.cpuUsage();
        for (const record of turn) job(record);
        const { user, system } = process.cpuUsage(began);
        if (round >= warmUp) times[at]!.push((user + system) / turn.length);
      }
    }
  return times.map(summarize);
}

await main();

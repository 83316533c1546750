/**
 * `npm run bench:idle`: what it costs a receiver to hold sessions that are signed in and say nothing, next to WebSockets
 * that do as little, and what they cost somebody who syncs meanwhile. Prints a table, then one line of JSON. Takes about a
 * minute; KEYSAGA_IDLE sets how many sessions (2,000).
 */
import { Child } from "./child.js";
import type { IdleBareApi } from "./idle-bare.js";
import type { IdleApi } from "./idle-senders.js";
import type { ReceiverApi } from "./keysaga-receiver.js";
import type { SenderApi } from "./keysaga-sender.js";
import type { Memory } from "./memory.js";
import { showMs, type Summary, summarize, table } from "./statistics.js";

const sessionsEach = 50;
const identities = Math.ceil(Number(process.env["KEYSAGA_IDLE"] ?? 2_000) / sessionsEach);
const sessions = identities * sessionsEach;
const syncs = 40;
/** Until what has ended is let go of. */
const settleMs = 3_000;

interface Held {
  readonly before: Memory;
  readonly full: Memory;
  readonly after: Memory;
}

interface Sessions extends Held {
  readonly quietMs: Summary;
  readonly fullMs: Summary;
  readonly connectS: number;
  readonly descriptors: { readonly before: number; readonly full: number; readonly after: number };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, settleMs));

/** Sessions of keysaga that are ready and idle. */
async function holdSessions(): Promise<Sessions> {
  const receiver = new Child<ReceiverApi>("keysaga-receiver.js", ["--expose-gc"]);
  const sender = new Child<SenderApi>("keysaga-sender.js");
  const others = new Child<IdleApi>("idle-senders.js");
  let edits = 0;
  const syncOften = async () => {
    const took: number[] = [];
    for (let at = 0; at < syncs; at++) {
      await sender.call("edit", `text ${edits++}`);
      took.push((await sender.call("sync", { isObserved: false })).ms);
    }
    return summarize(took);
  };
  const look = async () => ({
    memory: await receiver.call("memoryNow", undefined),
    descriptors: await receiver.call("descriptors", undefined),
  });
  try {
    const url = await receiver.call("open", {
      receiver: {
        newIdentitiesPerAddressPerHour: identities + 2,
        newIdentitiesPerHour: identities + 2,
        sessionsPerIdentityMax: sessionsEach + 1,
      },
      server: { connectionsPerAddressMax: sessions + 100, connectionsMax: sessions + 100 },
    });
    await sender.call("holdNote", { audience: url });
    await syncOften();
    const quietMs = await syncOften();
    const before = await look();
    const started = performance.now();
    const ready = await others.call("connect", { url, identities, sessionsEach });
    const connectS = (performance.now() - started) / 1_000;
    if (ready !== sessions) throw new Error(`${ready} of ${sessions} sessions are ready`);
    const full = await look();
    const fullMs = await syncOften();
    await others.call("disconnect", undefined);
    await settle();
    const after = await look();
    return {
      ...{ before: before.memory, full: full.memory, after: after.memory, quietMs, fullMs, connectS },
      descriptors: { before: before.descriptors, full: full.descriptors, after: after.descriptors },
    };
  } finally {
    await sender.call("close", undefined);
    await receiver.call("close", undefined);
    await Promise.all([receiver.end(), sender.end(), others.end()]);
  }
}

/** As many WebSockets in a process that does nothing with them. */
async function holdSockets(): Promise<Held> {
  const server = new Child<IdleBareApi>("idle-bare.js", ["--expose-gc"]);
  const others = new Child<IdleApi>("idle-senders.js");
  const look = () => server.call("memoryNow", undefined);
  try {
    const url = await server.call("open", undefined);
    const warmUp = Math.min(200, sessions);
    await others.call("open", { url, count: warmUp });
    await others.call("close", undefined);
    await settle();
    const before = await look();
    await others.call("open", { url, count: sessions });
    const full = await look();
    await others.call("close", undefined);
    await settle();
    return { before, full, after: await look() };
  } finally {
    await Promise.all([server.end(), others.end()]);
  }
}

const kibibytesEach = (held: Held, of: (memory: Memory) => number) =>
  (of(held.full) - of(held.before)) / sessions / 1024;
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

const [bare, kept] = [await holdSockets(), await holdSessions()];
const inUse = ({ heap }: Memory) => heap;
const resident = (memory: Memory) => memory.resident;
const row = (name: string, of: (memory: Memory) => number) => {
  const [session, socket] = [kibibytesEach(kept, of), kibibytesEach(bare, of)];
  return [name, session.toFixed(1), socket.toFixed(1), (session / socket).toFixed(1)];
};
console.log(`${sessions} sessions of ${identities} identities, ready after ${kept.connectS.toFixed(0)} s\n`);
console.log(
  table([
    ["KiB each", "session", "WebSocket alone", "ratio"],
    row("in use", inUse),
    row("resident", resident),
  ]),
);
console.log(
  `\n${table([
    ["", "before", "with all", "once all have left"],
    ["in use, MiB", mebibytes(kept.before.heap), mebibytes(kept.full.heap), mebibytes(kept.after.heap)],
    [
      "descriptors",
      String(kept.descriptors.before),
      String(kept.descriptors.full),
      String(kept.descriptors.after),
    ],
    ["a sync, ms: median (middle half)", showMs(kept.quietMs), showMs(kept.fullMs), ""],
  ])}\n`,
);
console.log(JSON.stringify({ sessions, identities, kept, bare }));

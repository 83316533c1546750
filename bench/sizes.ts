/**
 * `npm run bench:sizes`: what proofs take on the wire and in stores, in bytes. No time is measured, so each run gives the
 * same numbers but for the lengths of some random ones. KEYSAGA_EDITS says how many edits one session has, and
 * KEYSAGA_CONNECTIONS how many connections a lane: 10,000 and 5,000 where they do not, which takes some two minutes.
 */
import { createSender, type Connection, type Dial, type Space } from "keysaga";
import { createWorld, type SenderPeer, type World } from "keysaga/testing";
import { table } from "./statistics.js";

const edits = Number(process.env["KEYSAGA_EDITS"] ?? 10_000);
const connections = Number(process.env["KEYSAGA_CONNECTIONS"] ?? 5_000);

/** Those that do nothing: twice as many as a sender keeps frames of its lane, at the least, so that what it drops shows. */
const idleConnections = 128;

/** Bytes that have come to a sender, beside records. */
interface Taken {
  /** What proves who made frames. */
  evidence: number;
  /** Turns, and all else that is text. */
  text: number;
}

/** Dials as `dial` does, and counts what comes. */
function counting(dial: Dial, taken: Taken): Dial {
  return async (signal) => {
    const connection = await dial(signal);
    return new Proxy(connection, {
      get(target, name) {
        if (name === "start")
          return (handlers: Parameters<Connection["start"]>[0]) =>
            target.start({
              message: (message) => {
                if (typeof message === "string") taken.text += Buffer.byteLength(message);
                else if (message[0] === 3) taken.evidence += message.length;
                handlers.message(message);
              },
              closed: (error) => handlers.closed(error),
            });
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
}

/** What a space keeps, in bytes of keys and values. */
interface Kept {
  /** Frames and contexts of sessions, for replaying them. */
  transcripts: number;
  /** All else but records: keystones, cells. */
  other: number;
}

async function keptBy(space: Space): Promise<Kept> {
  const kept = { transcripts: 0, other: 0 };
  for await (const found of space.scan()) {
    if (found.kind === "cell" && found.key.startsWith("session/"))
      kept.transcripts += found.key.length + found.value.length;
    else if (found.kind === "cell") kept.other += found.key.length + found.value.length;
    if (found.kind !== "proof") continue;
    const bytes = found.gib.length + found.group.length + found.bytes.length;
    if (found.group.startsWith("keystone.session^")) kept.transcripts += bytes;
    else kept.other += bytes;
  }
  return kept;
}

/** Alice's note that carol may read and has read, both with a sender whose connection stays. */
async function openDesk() {
  const limits = { turnsMax: 10 * edits + 10_000 };
  const world: World = await createWorld({ senders: ["alice", "carol"], seed: "sizes", limits });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const note = await alice.timeline("note", { data: { text: "0" } });
  await alice.share(note, carol, "read");
  await alice.sync(note);
  const taken: Taken = { evidence: 0, text: 0 };
  const reader = createSender({
    identity: carol.identity,
    dial: counting(world.dial, taken),
    audience: world.audience,
    limits,
  });
  let made = 0;
  const edit = async () => {
    await alice.edit(note, { text: String(++made) });
    await alice.sender.sync([note]);
  };
  const pull = async (): Promise<Taken> => {
    Object.assign(taken, { evidence: 0, text: 0 });
    await reader.sync([note], { direction: "pull" });
    return { ...taken };
  };
  await pull();
  const end = async () => {
    await reader.disconnect();
    await world.close();
  };
  return { world, alice, note, edit, pull, end };
}

async function main(): Promise<void> {
  const rows: (readonly [what: string, bytes: number, goal?: string])[] = [];
  const { world, alice, note, edit, pull, end } = await openDesk();
  const { space } = world.receiver;
  const writer = alice.sender;

  await edit();
  rows.push(["a reader takes as evidence: the first edit of a session", (await pull()).evidence, "3,000"]);
  // The one before a measured one is taken in as well, so that what is measured is a single edit.
  const measured = new Set([2, 10, 100, 1_000, 10_000, edits]);
  for (let at = 2; at <= edits; at++) {
    await edit();
    const { evidence } = measured.has(at) || measured.has(at + 1) ? await pull() : { evidence: 0 };
    if (measured.has(at)) rows.push([`the same: edit ${at} of it`, evidence, "600"]);
  }
  await writer.disconnect();

  const before = await keptBy(space);
  for (let at = 0; at < 100; at++) await edit();
  await writer.disconnect();
  const after = await keptBy(space);
  const inSession = (after.other - before.other) / 100;
  rows.push([
    "the receiver keeps beside records and transcripts: an edit, 100 in a session",
    inSession,
    "1,000",
  ]);
  await edit();
  await writer.disconnect();
  rows.push(["the same: an edit, one in a session", (await keptBy(space)).other - after.other, "6,000"]);
  await pull();

  for (let at = 0; at < connections; at++) {
    await writer.connect();
    await writer.disconnect();
  }
  await edit();
  await writer.disconnect();
  const later = (await pull()).evidence;
  rows.push([
    `a reader takes: the first edit of a session, after ${connections} connections`,
    later,
    "3,000",
  ]);

  for (const [name, { space: of }] of [
    ["receiver", world.receiver],
    ["sender", alice],
  ] as const) {
    const idle = await keptBy(of);
    for (let at = 0; at < idleConnections; at++) {
      await writer.connect();
      await writer.disconnect();
    }
    const connected = await keptBy(of);
    await writer.connect();
    const before = await keptBy(of);
    for (let at = 0; at < 10; at++) await writer.sync([note]);
    await writer.disconnect();
    const polled = await keptBy(of);
    const all = ({ transcripts, other }: Kept) => transcripts + other;
    rows.push([
      `the ${name} keeps of a connection that does nothing`,
      (all(connected) - all(idle)) / idleConnections,
    ]);
    rows.push([`the ${name} keeps of a saga that changes nothing`, (all(polled) - all(before)) / 10]);
  }
  await end();
  const lines = rows.map(([what, bytes, goal = ""]) => [what, bytes.toFixed(0), goal]);
  console.log(table([["bytes", "", "at most"], ...lines]));
}

await main();

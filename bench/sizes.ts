/**
 * `npm run bench:sizes`: what proofs take on the wire and in stores, in bytes. No time is measured, so each run gives the
 * same numbers but for the lengths of some random ones. A count as argument says how many edits and connections: 300.
 */
import { createSender, type Connection, type Dial, type Space } from "keysaga";
import { createWorld, type SenderPeer, type World } from "keysaga/testing";
import { table } from "./statistics.js";

const count = Number(process.argv[2] ?? 300);

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
  const world: World = await createWorld({ senders: ["alice", "carol"], seed: "sizes" });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const note = await alice.timeline("note", { data: { text: "0" } });
  await alice.share(note, carol, "read");
  await alice.sync(note);
  const taken: Taken = { evidence: 0, text: 0 };
  const reader = createSender({
    identity: carol.identity,
    dial: counting(world.dial, taken),
    audience: world.audience,
  });
  let edits = 0;
  const edit = () => alice.edit(note, { text: String(++edits) });
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
  const rows: (readonly [string, number])[] = [];
  const { world, alice, note, edit, pull, end } = await openDesk();
  const { space } = world.receiver;
  const writer = alice.sender;

  await edit();
  await writer.sync([note]);
  rows.push(["a reader takes as evidence: first edit of a session", (await pull()).evidence]);
  for (let at = 2; at <= count; at++) {
    await edit();
    await writer.sync([note]);
    const { evidence } = await pull();
    if (at === 2 || at === 10 || at === count) rows.push([`the same at edit ${at} of it`, evidence]);
  }
  await writer.disconnect();

  const before = await keptBy(space);
  for (let at = 0; at < 100; at++) {
    await edit();
    await writer.sync([note]);
  }
  await writer.disconnect();
  const after = await keptBy(space);
  rows.push([
    "the receiver keeps beside records and transcripts: an edit, 100 in a session",
    (after.other - before.other) / 100,
  ]);
  await edit();
  await alice.sync(note);
  rows.push(["the same: an edit, one in a session", (await keptBy(space)).other - after.other]);
  await pull();

  for (let at = 0; at < count; at++) {
    await writer.connect();
    await writer.disconnect();
  }
  await edit();
  await alice.sync(note);
  rows.push([`a reader takes: first edit of a session, after ${count} connections`, (await pull()).evidence]);

  for (const [name, { space: of }] of [
    ["receiver", world.receiver],
    ["sender", alice],
  ] as const) {
    const idle = await keptBy(of);
    for (let at = 0; at < 10; at++) {
      await writer.connect();
      await writer.disconnect();
    }
    const connected = await keptBy(of);
    for (let at = 0; at < 10; at++) await writer.sync([note]);
    await writer.disconnect();
    const polled = await keptBy(of);
    const all = ({ transcripts, other }: Kept) => transcripts + other;
    rows.push([`the ${name} keeps of a connection that does nothing`, (all(connected) - all(idle)) / 10]);
    rows.push([`the ${name} keeps of a saga that changes nothing`, (all(polled) - all(connected)) / 10]);
  }
  await end();
  console.log(table([["bytes", ""], ...rows.map(([what, bytes]) => [what, bytes.toFixed(0)])]));
}

await main();

/**
 * A receiver, and two senders whose sagas fail again and again, each in another way and at another moment: in memory, and
 * some over real WebSockets. Prints what is left, as JSON: at the start (when everything was used once), half way, and at
 * the end.
 *
 *     fail-often.ts DIRECTORY COUNT COUNT-OVER-WEBSOCKET
 */
import { once } from "node:events";
import { join } from "node:path";
import { argv } from "node:process";
import { WebSocket } from "ws";
import type { Address } from "../../../src/ibgib/index.js";
import { createTimeline, mutate } from "../../../src/ibgib/index.js";
import {
  createIdentity,
  createReceiver,
  createSender,
  type Identity,
  saveRecords,
  systemPlatform,
} from "../../../src/peer/index.js";
import { serve } from "../../../src/server/index.js";
import { openLmdbSpace } from "../../../src/space/lmdb-space.js";
import { type Tap, tapDial } from "../../../src/testing/index.js";
import { type Connection, createInnerspace, type Dial, dialWebSocket } from "../../../src/transport/index.js";
import { spaceWith } from "../../protocol/spaces.js";
import { FailingStore, faults, ruleAt } from "./faults.js";
import { settled, until } from "../../waiting.js";
import { collections, handles, heapUsed, liveObjects } from "./looks.js";

const [directory = "", count = "0", countOverWebSocket = "0"] = argv.slice(2);
/** Messages of a push over a new connection; some faults come behind the last. */
const messages = 10;

interface Person {
  readonly identity: Identity;
  readonly store: FailingStore;
}

const [bob, alice, carol] = [await person("bob"), await person("alice"), await person("carol")];
const memory = createInnerspace(systemPlatform);
const server = await serve({
  host: "127.0.0.1",
  port: 0,
  receiver: (url) =>
    createReceiver({
      identity: bob.identity,
      audiences: [url, "innerspace://bob"],
      admission: { kind: "open" },
      access: "open",
    }),
});
const stopListening = memory.listen((connection) => server.receiver.accept(connection));
interface Way {
  readonly audience: string;
  readonly dial: Dial;
}
const viaMemory: Way = { audience: "innerspace://bob", dial: memory.dial };
const viaWebSocket: Way = { audience: server.url, dial: dialWebSocket(server.url, systemPlatform) };

/** Something new to send: the notes are few, and grow. */
const notes = new Map<string, { readonly first: Address; tip: ReturnType<typeof createTimeline> }>();
/** One signal for all calls: whoever listens to it and forgets to stop is found. */
const shared = new AbortController();
let [failed, succeeded] = [0, 0];

const sagas = Number(count);
const overWebSocket = Number(countOverWebSocket);
await run(Math.ceil(sagas / 5), Math.ceil(overWebSocket / 5));
await report("start");
await run(Math.ceil((sagas * 2) / 5), Math.ceil((overWebSocket * 2) / 5));
await report("half");
await run(Math.ceil((sagas * 2) / 5), Math.ceil((overWebSocket * 2) / 5));
await report("end");
console.log(JSON.stringify({ objects: liveObjects(), collections: await collections(server.receiver) }));

stopListening();
await server.close();
await Promise.all([alice, bob, carol].map(({ identity }) => identity.space.close()));

async function person(name: string): Promise<Person> {
  const store = new FailingStore();
  const space = spaceWith(await openLmdbSpace({ path: join(directory, name) }), store);
  const [secret, recoverySecret] = [systemPlatform.random.bytes(32), systemPlatform.random.bytes(32)];
  return { identity: await createIdentity({ space, secret, recoverySecret }), store };
}

async function run(inMemory: number, overSockets: number): Promise<void> {
  await Promise.all([failOften(alice, inMemory / 2, viaMemory), failOften(carol, inMemory / 2, viaMemory)]);
  await failOften(alice, overSockets / 2, viaWebSocket);
  for (let at = 0; at < overSockets / 2; at++) await disturb(at);
}

async function failOften(who: Person, times: number, way: Way): Promise<void> {
  const names = Object.keys(faults);
  for (let at = 0; at < times; at++) {
    const note = await freshNote(who, at);
    await failOnce(who, way, names[at % names.length]!, Math.floor(at / names.length) % messages, note);
  }
}

/** A new frame of one of them. */
async function freshNote({ identity }: Person, at: number): Promise<Address> {
  const key = `${identity.address} ${Math.floor(at / 100)}`;
  const known = notes.get(key);
  const next = known
    ? mutate(known.tip, { at })
    : createTimeline({ ib: "note", data: { at }, owner: identity.address, uuid: key });
  await saveRecords({ space: identity.space, address: identity.address }, [next]);
  notes.set(key, { first: known?.first ?? next.address, tip: next });
  return known?.first ?? next.address;
}

async function failOnce(who: Person, way: Way, fault: string, moment: number, note: Address): Promise<void> {
  let connection: Connection | undefined;
  const cancel = new AbortController();
  const stop = () => cancel.abort();
  shared.signal.addEventListener("abort", stop);
  const dial: Dial = async (signal) => {
    connection = await way.dial(signal);
    return connection;
  };
  const act = (to: "sender" | "receiver") => {
    const failStore = (side: "sender" | "receiver") => (side === "sender" ? who : bob).store.fail();
    const sever = () => (way === viaMemory ? memory.sever() : void connection?.close());
    faults[fault]?.(
      { tap: () => tap, cancel, disconnect: () => void sender.disconnect(), sever, failStore },
      to,
    );
  };
  const tap: Tap = tapDial(dial, ruleAt(moment, act));
  const sender = createSender({
    identity: who.identity,
    dial: tap.dial,
    audience: way.audience,
    access: "open",
  });
  await Promise.all([
    sender.sync([note], { signal: cancel.signal }).then(
      () => succeeded++,
      () => failed++,
    ),
    // Now and then another call is queued behind it, with the lasting signal.
    moment === 0 && sender.connect({ signal: shared.signal }).catch(() => undefined),
  ]);
  await sender.disconnect();
  for (const { store } of [who, bob]) store.calm();
  shared.signal.removeEventListener("abort", stop);
}

/** Strangers at the door: who says nothing of the protocol, who leaves at once, who breaks off. */
async function disturb(at: number): Promise<void> {
  const socket = new WebSocket(server.url, "keysaga.v1");
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  if (at % 3 === 0) socket.terminate();
  else {
    await once(socket, "open");
    socket.send(at % 3 === 1 ? "{" : '{"type":"open"}');
  }
  await closed;
  failed++;
}

async function report(when: string): Promise<void> {
  await until(() => server.receiver.sessionCount === 0, "no session to be left");
  await settled(); // sockets are gone on both sides
  const line = { when, failed, succeeded, heap: heapUsed(), handles: handles() };
  console.log(JSON.stringify(line));
}

import { Session } from "node:inspector/promises";
import type { Runtime } from "node:inspector";
import v8 from "node:v8";
import { CommitQueue } from "../../../src/peer/commit-queue.js";
import { Conversation } from "../../../src/peer/conversation.js";
import { Link } from "../../../src/peer/link.js";
import { Quotas } from "../../../src/peer/quotas.js";
import { Receiver } from "../../../src/peer/receiver.js";
import { ReceiverSagaRun } from "../../../src/peer/receiver-saga-run.js";
import { ReceiverSession } from "../../../src/peer/receiver-session.js";
import { SenderSagaRun } from "../../../src/peer/sender-saga-run.js";
import { SenderSession } from "../../../src/peer/sender-session.js";
import { SessionLoop } from "../../../src/peer/session-loop.js";
import { Doorkeeper } from "../../../src/server/doorkeeper.js";
import { WireConnection } from "../../../src/transport/wire-connection.js";

const ofSessions = {
  Conversation,
  Link,
  ReceiverSagaRun,
  ReceiverSession,
  SenderSagaRun,
  SenderSession,
  SessionLoop,
  WireConnection,
};

/** Objects of sessions that something still holds on to. Collects garbage first. */
export function liveObjects(): Readonly<Record<string, number>> {
  const counts = Object.entries(ofSessions).map(([name, made]) => {
    const count: number = v8.queryObjects(made, { format: "count" });
    return [name, count] as const;
  });
  return Object.fromEntries(counts);
}

/** Bytes of the heap that are in use, once garbage is collected. */
export function heapUsed(): number {
  for (let at = 0; at < 3; at++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** What keeps this process alive, and who listens to it. */
export function handles(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  for (const name of process.eventNames())
    counts[`on ${String(name)}`] = process.listenerCount(name as NodeJS.Signals);
  return counts;
}

/** What outlives sessions, and counts them. */
const lasting = { CommitQueue, Doorkeeper, Quotas, Receiver };

/** The maps and sets that these keep to themselves, each with how many it holds, as in `Receiver #sessions Map(0)`. */
export async function collections(): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  const found = Object.entries(lasting).map(async ([name, made]) => {
    const own = await ownCollections(session, made);
    return own.map((collection) => `${name} ${collection}`);
  });
  const all = (await Promise.all(found)).flat();
  session.disconnect();
  return all;
}

async function ownCollections(session: Session, made: object): Promise<readonly string[]> {
  Object.assign(globalThis, { looked: made });
  const { result: prototype } = await session.post("Runtime.evaluate", { expression: "looked.prototype" });
  Reflect.deleteProperty(globalThis, "looked");
  const prototypeObjectId = prototype.objectId ?? "";
  const { objects } = await session.post("Runtime.queryObjects", { prototypeObjectId });
  const instances = await propertiesOf(session, objects.objectId);
  const theirs = instances.flatMap(({ name, value }) =>
    /^\d+$/.test(name) ? [propertiesOf(session, value?.objectId)] : [],
  );
  return (await Promise.all(theirs))
    .flat()
    .filter(({ value }) => value?.subtype === "map" || value?.subtype === "set")
    .map(({ name, value }) => `${name} ${value?.description}`);
}

type Property = Pick<Runtime.PropertyDescriptor, "name" | "value">;
/** Private ones are not in the types. */
interface Properties {
  readonly result: readonly Property[];
  readonly privateProperties?: readonly Property[];
}

async function propertiesOf(session: Session, objectId = "") {
  const asked = { objectId, ownProperties: true };
  const answer: unknown = await session.post("Runtime.getProperties", asked);
  const { result, privateProperties = [] } = answer as Properties;
  return [...result, ...privateProperties];
}

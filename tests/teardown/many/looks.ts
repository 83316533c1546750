import type { Runtime } from "node:inspector";
import { Session } from "node:inspector/promises";
import v8 from "node:v8";
import { Budget } from "../../../src/peer/receiver/budget.js";
import { CommitQueue } from "../../../src/peer/receiver/commit-queue.js";
import { Quotas } from "../../../src/peer/receiver/quotas.js";
import { Receiver } from "../../../src/peer/receiver/receiver.js";
import { ReceiverSession } from "../../../src/peer/receiver/receiver-session.js";
import { SenderSession } from "../../../src/peer/sender/sender-session.js";
import { Doorkeeper } from "../../../src/server/doorkeeper.js";
import { WireConnection } from "../../../src/transport/wire-connection.js";

/** Whoever holds on to anything of a session holds on to one of these: each look takes its time. */
const ofSessions = { ReceiverSession, SenderSession, WireConnection };

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

/**
 * The maps and sets that a receiver, what it counts with, and the door of its server keep to themselves, each with how many
 * it holds, as in `Receiver #sessions Map(0)`.
 */
export async function collections(receiver: Receiver): Promise<readonly string[]> {
  const session = new Session();
  session.connect();
  const own = await propertiesOf(session, await idOf(session, receiver));
  const parts = await propertiesOf(session, own.find(({ name }) => name === "#parts")?.value?.objectId);
  const counting = parts.filter(({ value }) =>
    [Quotas.name, CommitQueue.name].includes(value?.className ?? ""),
  );
  const found = counting.map(async ({ value }) => {
    const properties = await propertiesOf(session, value?.objectId);
    const owner = (value?.className ?? "").replace(/^_/, ""); // which a bundle may put in front
    return [...collectionsOf(owner, properties), ...(await budgets(session, owner, properties))];
  });
  const all = [
    ...collectionsOf(Receiver.name, own),
    ...(await Promise.all(found)).flat(),
    ...(await doorkeepers(session)),
  ];
  session.disconnect();
  return all;
}

/** What is claimed of budgets that somebody keeps. */
async function budgets(
  session: Session,
  owner: string,
  properties: readonly Property[],
): Promise<readonly string[]> {
  const kept = properties.filter(({ value }) => value?.className === Budget.name);
  const looks = kept.map(async ({ name, value }) =>
    collectionsOf(`${owner} ${name}`, await propertiesOf(session, value?.objectId)),
  );
  return (await Promise.all(looks)).flat();
}

/** The door is nobody's to hand out: it is looked for. */
async function doorkeepers(session: Session): Promise<readonly string[]> {
  const prototypeObjectId = await idOf(session, Doorkeeper.prototype);
  const { objects } = await session.post("Runtime.queryObjects", { prototypeObjectId });
  const instances = await propertiesOf(session, objects.objectId);
  const looks = instances.flatMap(({ name, value }) =>
    /^\d+$/.test(name) ? [propertiesOf(session, value?.objectId)] : [],
  );
  return (await Promise.all(looks)).flatMap((properties) => collectionsOf(Doorkeeper.name, properties));
}

async function idOf(session: Session, object: object): Promise<string> {
  Object.assign(globalThis, { looked: object });
  const { result } = await session.post("Runtime.evaluate", { expression: "looked" });
  Reflect.deleteProperty(globalThis, "looked");
  return result.objectId ?? "";
}

function collectionsOf(owner: string, properties: readonly Property[]): readonly string[] {
  return properties
    .filter(({ value }) => value?.subtype === "map" || value?.subtype === "set")
    .map(({ name, value }) => `${owner} ${name} ${value?.description}`);
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

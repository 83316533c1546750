import { expect } from "vitest";
import type { PeerEvent } from "../../src/index.js";
import type { Peer } from "../../src/testing/index.js";
import type { Connection, Dial } from "../../src/transport/index.js";
import { nameOf } from "../protocol/faults.js";

/** What a peer's watcher was told of sagas since the last call, in short; turns, payload and connections left out. */
export function told(peer: Peer): readonly string[] {
  return peer.events.splice(0).flatMap((event) => lineOf(event) ?? []);
}

function lineOf(event: PeerEvent): string | undefined {
  switch (event.kind) {
    case "started":
      return `started ${event.direction}, ${event.roots} roots`;
    case "progress":
      return `${event.direction} ${event.records} of ${event.total}`;
    case "merged":
      return `merged ${event.heads} heads`;
    case "conflict":
      return `${event.conflicts} conflicts`;
    case "left":
      return `left a root: ${event.reason}`;
    case "refused":
      return `refused ${event.timeline === undefined ? "the saga" : "a root"}: ${event.code}`;
    case "durable":
      return `durable, ${event.tips} tips`;
    default:
      return undefined; // `waiting` hangs on how busy the machine is
  }
}

/** Counts never fall, never pass their total, and end at it: for each saga and each way. */
export function expectFullProgress(events: readonly PeerEvent[]): void {
  const ways = new Map<string, (PeerEvent & { kind: "progress" })[]>();
  for (const event of events) {
    if (event.kind !== "progress") continue;
    const name = `${event.saga} ${event.direction}`;
    ways.set(name, [...(ways.get(name) ?? []), event]);
  }
  for (const way of ways.values()) {
    expect(way[0]).toMatchObject({ records: 0 });
    for (const [at, { records, total }] of way.entries()) {
      expect(records).toBeLessThanOrEqual(total);
      expect(records).toBeGreaterThanOrEqual(way[at - 1]?.records ?? 0);
      expect(total).toBeGreaterThanOrEqual(way[at - 1]?.total ?? 0);
      if (total !== (way[at - 1]?.total ?? total)) expect(way[at - 1]?.records).toBe(way[at - 1]?.total);
    }
    expect(way.at(-1)?.records).toBe(way.at(-1)?.total);
    expect(new Set(way.map(({ records, total }) => `${records}/${total}`)).size).toBe(way.length);
  }
}

/** A dial on whose first connection what is said waits, from the first message called `name` on, for `meanwhile`. */
export function heldBefore(name: string, dial: Dial, meanwhile: () => Promise<unknown>): Dial {
  let isDone = false;
  return async (signal) => {
    const connection = await dial(signal);
    const held: Parameters<Connection["send"]>[0][] = [];
    let isHolding = false;
    const send: Connection["send"] = (message) => {
      if (!isHolding && (isDone || nameOf(message) !== name)) return connection.send(message);
      held.push(message);
      if (isHolding) return;
      [isHolding, isDone] = [true, true];
      void meanwhile()
        .then(() => {
          isHolding = false;
          for (const each of held) connection.send(each);
        })
        .catch(() => undefined); // the connection has ended meanwhile
    };
    return new Proxy(connection, {
      get(target, member) {
        if (member === "send") return send;
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
}

import type { Address } from "../../ibgib/index.js";
import { createIdentity, createReceiver } from "../../peer/index.js";
import { spaceLimits } from "../../space/index.js";
import { MemoryStore } from "../../space/memory-store.js";
import type { Table } from "../../space/store.js";
import { StoreSpace } from "../../space/store-space.js";
import { Dice } from "./dice.js";
import type { Snapshot } from "./disk.js";
import { epoch } from "./process.js";

/** A home with an identity and nothing else, as worlds begin with it. */
export interface Prefab {
  readonly address: Address;
  readonly secret: Uint8Array;
  readonly snapshot: Snapshot;
}

const tables: readonly Table[] = [
  ...(["records", "relations", "tips", "frames", "batches", "holders", "stages", "portions"] as const),
  ...(["proofs", "groups", "cells", "openers", "meta"] as const),
];

const made = new Map<string, Promise<Prefab>>();

/** Making identities is most of what making a small world costs: the same few begin in all of them. */
export function prefab(kind: "sender" | "receiver", at: number): Promise<Prefab> {
  const name = `${kind} ${at}`;
  const known = made.get(name) ?? make(kind, name);
  made.set(name, known);
  return known;
}

async function make(kind: "sender" | "receiver", name: string): Promise<Prefab> {
  const random = new Dice(`keysaga/prefab/1/${name}`);
  const platform = {
    clock: { now: () => epoch, elapsed: () => 0 },
    random,
    timers: { after: () => () => undefined }, // nothing here waits
  };
  const store = new MemoryStore();
  const space = new StoreSpace(store, { limits: spaceLimits, opener: "prefab" });
  const secret = random.bytes(32);
  const identity = await createIdentity({ space, secret, recoverySecret: random.bytes(32), platform });
  if (kind === "receiver")
    await createReceiver({ identity, audiences: [], admission: { kind: "open" }, platform });
  const snapshot = new Map(tables.map((table) => [table, new Map([...store.scan(table)].flat())]));
  return { address: identity.address, secret, snapshot };
}

/** The sender's process: an LMDB space with a graph in it, pushed over new connections. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Address,
  createIdentity,
  createSender,
  createTimeline,
  dialWebSocket,
  type IbGib,
  type Identity,
  mutate,
  saveRecords,
  systemPlatform,
} from "keysaga";
import { openLmdbSpace } from "keysaga/node";
import { type Api, serve } from "./child.js";
import { type Crossing, observed } from "./transcript.js";
import { makeGraph, type Shape } from "./workload.js";

interface Held {
  readonly identity: Identity;
  readonly audience: string;
  readonly root: Address;
  /** The newest frame of the root, where it is edited between syncs. */
  tip: IbGib;
}

let held: Held | undefined;
let close = async (): Promise<void> => {};

/** What one sync took, from before the call to its resolved report, and what crossed the wire where that was asked. */
export interface Synced {
  readonly ms: number;
  readonly transcript: readonly Crossing[];
}

const api = {
  /** A new home that holds a graph, committed. */
  async holdGraph(to: { audience: string; shape: Shape; count: number }): Promise<void> {
    const identity = await openHome();
    const { root, records, tips } = makeGraph(to.shape, to.count, identity.address);
    await saveRecords(identity, records, { tips });
    held = { identity, audience: to.audience, root, tip: records.at(-1)! };
  },

  /** A new home that holds a timeline of one frame; gives its identity. */
  async holdNote({ audience }: { audience: string }): Promise<Address> {
    const identity = await openHome();
    const uuid = randomBytes(16).toString("hex");
    const note = createTimeline({ ib: "note", uuid, owner: identity.address, data: { text: "new" } });
    await saveRecords(identity, [note]);
    held = { identity, audience, root: note.address, tip: note };
    return identity.address;
  },

  /** Adds a frame to the root. */
  async edit(text: string): Promise<void> {
    const { identity, tip } = holding();
    const next = mutate(tip, { text });
    await saveRecords(identity, [next]);
    holding().tip = next;
  },

  /** Syncs over a new connection. */
  async sync({ isObserved }: { isObserved: boolean }): Promise<Synced> {
    const { identity, audience, root } = holding();
    const transcript: Crossing[] = [];
    const dial = dialWebSocket(audience, { timers: systemPlatform.timers });
    const sender = createSender({
      identity,
      audience,
      dial: isObserved ? observed(dial, transcript) : dial,
    });
    const started = performance.now();
    await sender.sync([root], { direction: "push" });
    const ms = performance.now() - started;
    await sender.disconnect();
    return { ms, transcript };
  },

  async close(_: undefined): Promise<void> {
    await close();
  },
} satisfies Api;
export type SenderApi = typeof api;

function holding(): Held {
  if (held === undefined) throw new Error("nothing is held yet");
  return held;
}

async function openHome(): Promise<Identity> {
  await close();
  const path = mkdtempSync(join(tmpdir(), "keysaga-bench-"));
  const space = await openLmdbSpace({ path });
  close = async () => {
    close = async () => {};
    await space.close();
    rmSync(path, { recursive: true });
  };
  return createIdentity({ space, secret: randomBytes(32), recoverySecret: randomBytes(32) });
}

serve(api);

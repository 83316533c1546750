import { describe, expect, it } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { conflictsOf } from "../../src/merge/index.js";
import { createWorld, type World } from "../../src/testing/index.js";
import { expectInStep } from "../scenarios/turns.js";
import { type ConcurrentTrace, readTrace, revisionsOf, type SequentialTrace, SharedText } from "./trace.js";

/**
 * How many edits make a frame; a trace is always replayed whole. Every frame holds the whole text, so that one of each
 * edit is for a long look at a short trace: KEYSAGA_TRACE_EDITS=1 npx vitest run tests/traces -t sveltecomponent
 */
const editsPerFrame = (few: number) => Number(process.env["KEYSAGA_TRACE_EDITS"] ?? few);
/** How many frames one of them makes before they sync. */
const framesPerTurn = 4;

/** Two peers who write one note through one receiver. */
async function openDesk(seed: string, text: string) {
  const world = await createWorld({ senders: ["alice", "carol"], seed });
  const [alice, carol] = world.senders;
  const note = await alice!.timeline("note", { data: { text } });
  await alice!.share(note, carol!);
  await alice!.sync(note);
  await carol!.sync(note, { direction: "pull" });
  return { world, note, writers: [alice!, carol!] as const };
}

async function textOf({ receiver }: World, note: Address): Promise<unknown> {
  const { data } = await receiver.tip(note);
  return data instanceof Uint8Array ? data : data?.["text"];
}

describe("a real text, typed by two peers in turn", () => {
  it.each([
    ["sveltecomponent", 200],
    ["friendsforever_flat", 200],
    ["json-crdt-blog-post", 200],
    ["automerge-paper", 2_000],
  ])("ends to the byte as it ended: %s", async (name, few) => {
    const trace = readTrace<SequentialTrace>(name);
    const { world, note, writers } = await openDesk(name, trace.startContent);
    const size = editsPerFrame(few);
    const revisions = [...revisionsOf(trace, size)];
    if (size > 1) console.info(`${name}: every edit is replayed, ${size} to a frame`);
    for (let from = 0, turn = 0; from < revisions.length; from += framesPerTurn, turn += 1) {
      const writer = writers[turn % 2]!;
      await writer.sync(note);
      await writer.edit(note, ...revisions.slice(from, from + framesPerTurn).map((text) => ({ text })));
      await writer.sync(note);
    }
    for (const writer of writers) {
      await writer.sync(note);
      await expectInStep(writer, world.receiver, [note]);
    }
    expect((await world.receiver.tip(note)).data).toMatchObject({ n: revisions.length });
    expect(await textOf(world, note)).toBe(trace.endContent);
    await world.close();
  });
});

/**
 * Each types what they typed at that time, on what both had at the last sync, and sees none of what the other types
 * before the next one.
 */
async function typeAtOnce(
  { txns }: ConcurrentTrace,
  shared: SharedText,
  { size, order }: { readonly size: number; readonly order: readonly [0 | 1, 0 | 1] },
): Promise<{ readonly tip: Address; readonly text: unknown; readonly conflicts: number }> {
  const { world, note, writers } = await openDesk("friendsforever", "");
  const [first, second] = [writers[order[0]], writers[order[1]]];
  const base: [number, number] = [0, 0];
  let conflicts = 0;
  for (let from = 0; from < txns.length; from += size) {
    const now: [number, number] = [...base];
    for (const { agent } of txns.slice(from, from + size)) now[agent] += 1;
    const screens = [shared.read([now[0], base[1]]), shared.read([base[0], now[1]])];
    for (const agent of [0, 1] as const) {
      // Whoever types on has looked at what was contested.
      const patch = { text: screens[agent], conflicts: undefined };
      if (now[agent] > base[agent]) await writers[agent].edit(note, patch);
    }
    await first.sync(note);
    await second.sync(note);
    await first.sync(note);
    for (const writer of writers) await expectInStep(writer, world.receiver, [note]);
    conflicts += conflictsOf(await world.receiver.tip(note)).length;
    base.splice(0, 2, ...now);
  }
  const { address: tip } = await world.receiver.tip(note);
  const text = await textOf(world, note);
  await world.close();
  return { tip, text, conflicts };
}

describe("a real text, typed by two people at once", () => {
  it("comes to one text on every peer, and to the same one whoever merges", async () => {
    const trace = readTrace<ConcurrentTrace>("friendsforever");
    const shared = new SharedText(trace);
    expect(shared.read([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toBe(trace.endContent);
    const size = editsPerFrame(1_000);
    const once = await typeAtOnce(trace, shared, { size, order: [0, 1] });
    const again = await typeAtOnce(trace, shared, { size, order: [1, 0] });
    console.info(
      `friendsforever: all ${trace.txns.length} edits, a sync every ${size}; ${once.conflicts} conflicts shown`,
    );
    expect(again).toEqual(once);
  });
});

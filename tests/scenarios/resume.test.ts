import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/index.js";
import { type Address, shortAddress } from "../../src/ibgib/index.js";
import type { PeerEvent } from "../../src/peer/index.js";
import { createWorld, type SenderPeer, seededPlatform, type World } from "../../src/testing/index.js";
import { codeOf } from "../protocol/lab.js";
import { type CutNetwork, cutInnerspace, cutWebSocket } from "./cut-network.js";
import { expectInStep, expectProved } from "./turns.js";
import { eventually } from "../waiting.js";

const deltaBytes = 60_000;
const recordBytes = 4_000;

const { random } = seededPlatform("resume");
const text = () => toHex(random.bytes(recordBytes / 2));

describe.each([
  ["innerspace", cutInnerspace],
  ["websocket", cutWebSocket],
] as const)("over %s, on a good link", (_, networkOf) => {
  test("a turn covers each portion, and nothing is said more where one is enough", async () => {
    const world = await createWorld({ seed: "portions", network: networkOf(), limits: { deltaBytes } });
    const [alice] = world.senders as [SenderPeer];
    const note = await alice.timeline("note");
    await alice.edit(note, ...Array.from({ length: 20 }, () => ({ text: text() })));
    await alice.sync(note);
    const name = shortAddress(note);
    expect(world.transcript()).toEqual([
      `alice -> bob | init    ${name} n=20`,
      "bob -> alice | ack     unknown",
      "alice -> bob | payload 15 records",
      "alice -> bob | delta",
      "bob -> alice | staged",
      "alice -> bob | payload 6 records",
      `alice -> bob | commit  ${name} n=20`,
      `bob -> alice | receipt ${name} n=20`,
    ]);
    await expectProved(alice, world.receiver, "push in two portions");
    await expectInStep(alice, world.receiver, [note]);
    await alice.edit(note, { text: text() });
    await alice.sync(note);
    await expectProved(alice, world.receiver, "push");
    await world.close();
  });
});

/** Each story over both transports, on links that last for `lasting` bytes. */
describe.each([
  ["innerspace", cutInnerspace],
  ["websocket", cutWebSocket],
] as const)("over %s, on a link that is cut again and again", (_, networkOf) => {
  test("a long history gets there, and little is sent twice", async () => {
    await withCuts(networkOf(), async (alice) => {
      const log = await alice.timeline("log");
      await alice.edit(log, ...Array.from({ length: 120 }, () => ({ text: text() })));
      return [log];
    });
  });

  test("so do many timelines", async () => {
    await withCuts(networkOf(), async (alice) => {
      const folder = await alice.timeline("folder");
      const notes: Address[] = [];
      for (let i = 0; i < 25; i++) {
        const note = await alice.timeline("note", { within: folder });
        await alice.edit(note, ...Array.from({ length: 4 }, () => ({ text: text() })));
        notes.push(note);
      }
      await alice.link(folder, "note", notes);
      return [folder];
    });
  });

  test("and a graph of stones under one root", async () => {
    await withCuts(networkOf(), async (alice) => {
      const leaf: Address[] = [];
      for (let i = 0; i < 120; i++) leaf.push(await alice.stone("leaf", { data: { text: text() } }));
      return [await alice.stone("root", { rel8ns: { leaf } })];
    });
  });

  test("and stones under a note, whose later frames have others", async () => {
    await withCuts(networkOf(), async (alice) => {
      const note = await alice.timeline("note");
      for (let i = 0; i < 6; i++) {
        const leaf: Address[] = [];
        for (let j = 0; j < 20; j++) leaf.push(await alice.stone("leaf", { data: { text: text() } }));
        await alice.link(note, `leaf ${i}`, leaf);
      }
      return [note];
    });
  });
});

/** Syncs what `make` makes until it is through; every connection but the last is cut. */
async function withCuts(
  network: CutNetwork,
  make: (alice: SenderPeer) => Promise<readonly Address[]>,
): Promise<void> {
  const world = await createWorld({ seed: "resume", network, limits: { deltaBytes } });
  const [alice] = world.senders as [SenderPeer];
  const roots = await make(alice);
  const lasting = 120_000;
  network.lasts(lasting);
  const codes = await retried(world, alice, roots);
  expect(new Set(codes)).toEqual(new Set(["connection_lost"]));
  expect(codes).toHaveLength(network.cuts());
  expect(codes.length).toBeGreaterThan(3);
  await expectInStep(alice, world.receiver, await tipped(alice, roots));
  const size = await bytesOf(alice, roots);
  const sent = sentBytes(alice.events);
  console.log(`${(size / 1e6).toFixed(1)} MB over ${codes.length} cuts: ${(sent / 1e6).toFixed(1)} MB sent`);
  expect(sent).toBeLessThanOrEqual(size + codes.length * (deltaBytes + 2 * recordBytes));
  await world.close();
}

/** Tries until it works; says what each failure was. */
async function retried(world: World, alice: SenderPeer, roots: readonly Address[]): Promise<string[]> {
  const codes: string[] = [];
  for (;;) {
    const code = await codeOf(alice.sync(roots));
    if (code === "none") return codes;
    codes.push(code);
    if (codes.length > 40) return codes;
    // The other end finds out by itself; until then its session counts as one that works.
    expect(await eventually(() => world.answering.sessionCount === 0)).toBe(true);
  }
}

const tipped = async ({ space }: SenderPeer, roots: readonly Address[]) =>
  (await space.tips(roots)).flatMap((tip) => tip?.tjp ?? []);

async function bytesOf(alice: SenderPeer, roots: readonly Address[]): Promise<number> {
  const addresses = new Set((await Promise.all(roots.map((root) => alice.graph(root)))).flat());
  const records = await alice.space.getMany([...addresses]);
  return records.reduce((sum, record) => sum + (record?.bytes.length ?? 0), 0);
}

const sentBytes = (events: readonly PeerEvent[]) =>
  events.reduce(
    (sum, event) => sum + (event.kind === "payload" && event.from === "sender" ? event.bytes : 0),
    0,
  );

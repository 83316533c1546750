import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { createSender, type PeerEvent } from "../../src/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";
import { runs } from "../merge/runs.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, expectQuiet, openLab, spaceWith, tapped } from "../protocol/lab.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectFullProgress, heldBefore, told } from "./told.js";
import { turnTime } from "../turn-time.js";
import { eventually, settled } from "../waiting.js";

scenario("a push tells how far it is, and both sides when it is durable", async ({ alice, bob }) => {
  const note = await alice.timeline("note");
  await alice.edit(note, ...Array.from({ length: 9 }, (_, at) => ({ text: `line ${at}` })));
  await alice.sync(note, { direction: "push" });
  expect(told(alice)).toEqual(["started push, 1 roots", "up 0 of 10", "up 10 of 10", "durable, 1 tips"]);
  expect(told(bob)).toEqual(["started push, 1 roots", "durable, 1 tips"]);
});

scenario("a pull is counted by the side that sends", async ({ alice, carol, bob }) => {
  const note = await alice.timeline("note");
  await alice.edit(note, { text: "more" });
  await alice.share(note, carol, "read");
  await alice.sync(note);
  told(bob);
  await carol.sync(note, { direction: "pull" });
  expect(told(carol)).toEqual(["started pull, 1 roots", "durable, 1 tips"]);
  expect(told(bob)).toEqual(["started pull, 1 roots", "down 0 of 2", "down 2 of 2", "durable, 1 tips"]);
});

scenario("a sync of what is in step has nothing to count", async ({ alice }) => {
  const note = await alice.timeline("note");
  await alice.sync(note);
  told(alice);
  await alice.sync(note);
  expect(told(alice)).toEqual(["started both, 1 roots", "durable, 1 tips"]);
});

scenario("stones that were offered are counted as far as they are wanted", async ({ alice }) => {
  const stones: Address[] = [];
  for (let at = 0; at < 8; at++) stones.push(await alice.stone("stone", { data: { at } }));
  const old = await alice.timeline("old");
  await alice.link(old, "holds", stones.slice(0, 3));
  await alice.sync(old);
  const note = await alice.timeline("note");
  await alice.link(note, "holds", stones);
  told(alice);
  await alice.sync(note);
  expect(told(alice)).toContain("up 0 of 7"); // two frames, and the five stones that are not there
  expect((await alice.sync(note)).totals.up.records).toBe(0);
});

scenario("a divergence tells of the merge, and of its conflicts", async ({ alice, carol, bob }) => {
  const note = await sharedNote({ title: "note" }, [alice, carol], [bob]);
  await alice.edit(note, { title: "hers" });
  await carol.edit(note, { title: "theirs" });
  await alice.sync(note);
  for (const peer of [carol, bob]) told(peer);
  await carol.sync(note);
  const tip = await carol.tip(note);
  expect(carol.events).toContainEqual(
    expect.objectContaining({ kind: "merged", timeline: note, tip: tip.address }),
  );
  expect(told(carol)).toEqual([
    "started both, 1 roots",
    "up 0 of 2",
    "up 2 of 2",
    "merged 2 heads",
    "1 conflicts",
    "durable, 1 tips",
  ]);
  expect(told(bob)).toEqual(["started both, 1 roots", "down 0 of 1", "down 1 of 1", "durable, 1 tips"]);
});

scenario("whoever came second sends more, and only the merge that stays is told", async (cast) => {
  const { alice, carol, bob, world } = cast;
  const note = await sharedNote({ title: "note" }, [alice, carol], [bob]);
  await alice.edit(note, { a: 1 }, { a: 2 });
  await carol.edit(note, { c: 1 });
  const events: PeerEvent[] = [];
  const sender = createSender({
    identity: alice.identity,
    audience: world.audience,
    dial: heldBefore("commit", world.dial, () => carol.sync(note)),
    onEvent: (event) => events.push(event),
  });
  await sender.sync([note]);
  await sender.disconnect();
  expectFullProgress(events);
  const counts = events.flatMap((event) =>
    event.kind === "progress" ? `${event.records}/${event.total}` : [],
  );
  expect(counts).toEqual(["0/2", "2/2", "2/3", "3/3"]);
  const merged = events.filter(({ kind }) => kind === "merged");
  expect(merged).toMatchObject([{ tip: (await alice.tip(note)).address, heads: 2 }]);
  expect((await bob.tip(note)).address).toBe((await alice.tip(note)).address);
});

scenario("a root that does not count is left by name", async ({ alice, carol, bob }) => {
  const [theirs, own] = [await alice.timeline("note"), await carol.timeline("note")];
  await alice.share(theirs, carol, "read");
  await alice.sync(theirs);
  await carol.sync(theirs, { direction: "pull" });
  await carol.edit(theirs, { title: "not hers to change" });
  for (const peer of [carol, bob]) told(peer);
  await carol.sync([theirs, own]);
  expect(carol.events).toContainEqual(expect.objectContaining({ kind: "left", timeline: theirs }));
  expect(told(carol).slice(-2)).toEqual(["left a root: may_not_write", "durable, 2 tips"]);
  expect(told(bob).slice(-1)).toEqual(["durable, 2 tips"]);
});

scenario("a saga that ends before anything was committed is refused as a whole", async (cast) => {
  const { alice, bob, world } = cast;
  const note = await alice.timeline("note");
  const sender = createSender({
    identity: alice.identity,
    audience: world.audience,
    dial: heldBefore("commit", world.dial, () => sender.disconnect()),
    onEvent: (event) => alice.events.push(event),
  });
  expect(await codeOf(sender.sync([note]))).toBe("connection_closed");
  expect(told(alice)).toEqual([
    "started both, 1 roots",
    "up 0 of 1",
    "up 1 of 1",
    "refused the saga: connection_closed",
  ]);
  await eventually(() => bob.events.some(({ kind }) => kind === "closed"));
  expect(told(bob)).toEqual(["started both, 1 roots", "refused the saga: connection_lost"]);
});

describe("what is waited for longer than a moment is told once", () => {
  /** A moment is a thousand turns of the loop. */
  const time = turnTime(0.1);
  const muchLater = () => settled(3_000);
  const reasons = (events: readonly PeerEvent[]) =>
    events.flatMap((event) => (event.kind === "waiting" ? event.reason : []));

  test("another call, and the other side's turn", async () => {
    const lab = await openLab("waits", { time });
    const [alice] = lab.world.senders;
    const note = await alice!.timeline("note");
    const events: PeerEvent[] = [];
    const sender = createSender({
      identity: alice!.identity,
      audience: lab.world.audience,
      dial: heldBefore("commit", lab.world.dial, muchLater),
      platform: lab.platform,
      onEvent: (event) => events.push(event),
    });
    await Promise.all([sender.sync([note]), sender.sync([note])]);
    await sender.disconnect();
    expect(reasons(events)).toEqual(["queued", "turn"]);
    expect(reasons(lab.world.receiver.events)).toContain("turn");
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("room at a receiver that takes no more", async () => {
    const lab = await openLab("credit", { time });
    const [alice] = lab.world.senders;
    const note = await alice!.timeline("note");
    await alice!.edit(note, ...Array.from({ length: 40 }, (_, at) => ({ text: `${at}`.repeat(60_000) })));
    const { sender, events } = tapped(lab, alice!, ({ message, to }) =>
      to === "sender" && nameOf(message) === "credit" ? [] : [message],
    );
    const outcome = codeOf(sender.sync([note]));
    await eventually(() => reasons(events).includes("credit"));
    await sender.disconnect();
    expect(await outcome).toBe("connection_closed");
    expect(reasons(events).filter((reason) => reason === "credit")).toEqual(["credit"]);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("others who commit to the same timeline", async () => {
    let isSlow = false;
    const lab = await openLab("others", {
      senders: ["alice", "carol"],
      time,
      around: (space, of) =>
        spaceWith(space, {
          before: async (method) => {
            if (of === 0 && isSlow && method === "commit") await muchLater();
          },
        }),
    });
    const [alice, carol] = lab.world.senders;
    const note = await sharedNote({}, [alice!, carol!], [lab.world.receiver]);
    await alice!.edit(note, { a: 1 });
    await carol!.edit(note, { c: 1 });
    await Promise.all([alice!.sender.connect(), carol!.sender.connect()]);
    isSlow = true;
    await Promise.all([alice!.sync(note), carol!.sync(note)]);
    expect(reasons(lab.world.receiver.events)).toContain("others");
    await expectQuiet(lab);
    await lab.world.close();
  });
});

/** Who does what to which note; a note links to stones that link to stones, and to other notes. */
const acts = fc.array(
  fc.record({
    by: fc.nat(1),
    what: fc.constantFrom("edit", "stones", "shared stone", "note", "sync", "pull", "sync meanwhile"),
    at: fc.nat(99),
  }),
  { minLength: 4, maxLength: 14 },
);

test("in any graph, with any branches, progress ends at exactly its total", async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (story) => {
      const world = await createWorld({ senders: ["alice", "carol"], seed: "progress", access: "open" });
      const peers = world.senders;
      const [alice, carol] = peers;
      const root = await sharedNote({ title: "root" }, [alice!, carol!], [world.receiver]);
      const shared = await alice!.stone("stone", { data: { shared: true } });
      const notesOf = new Map(peers.map((peer) => [peer, [root]]));
      for (const { by, what, at } of story) {
        const peer = peers[by]!;
        const notes = notesOf.get(peer)!;
        const note = notes[at % notes.length]!;
        if (what === "edit") await peer.edit(note, { [`field ${at % 3}`]: at }, { more: at });
        else if (what === "stones") await peer.link(note, "holds", await stones(peer, at));
        else if (what === "note") {
          notes.push(await peer.timeline(`note ${at}`));
          await peer.link(note, "notes", notes.slice(-1));
        } else if (what === "shared stone") {
          if (await peer.space.get(shared)) await peer.link(note, "holds", [shared]);
        } else if (what === "sync meanwhile") await Promise.all(peers.map((each) => each.sync(root)));
        else if (what === "sync") await peer.sync(root);
        else await codeOf(peer.sync(root, { direction: "pull" })); // fails where it links to a note of its own
      }
      for (const peer of peers) await peer.sync(root);
      for (const { events } of [...peers, world.receiver]) expectFullProgress(events);
      await world.close();
    }),
    runs(15),
  );
});

/** A few stones, each linking to the one before. */
async function stones(peer: SenderPeer, at: number): Promise<Address[]> {
  const made: Address[] = [];
  for (let depth = 0; depth <= at % 6; depth++) {
    const before = made.slice(-1);
    const rel8ns = before.length > 0 ? { rel8ns: { before } } : {};
    made.push(await peer.stone("stone", { data: { at, depth, by: peer.name }, ...rel8ns }));
  }
  return made.slice(-1);
}

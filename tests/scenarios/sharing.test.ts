import { test } from "vitest";
import { unshare } from "../../src/peer/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";
import { scenario } from "./scenario.js";
import { expectInStep, signOften } from "./turns.js";

scenario("what is shared after other things were shared is taken like those", async (cast) => {
  const { alice, carol, bob } = cast;
  for (const ib of ["one", "two", "three"]) {
    const note = await alice.timeline(ib);
    await alice.edit(note, { text: ib });
    await alice.share(note, carol, "read");
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    await expectInStep(carol, bob, [note]);
  }
});

scenario("an owner who has shared a hundred times still meets receivers and is read", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await alice.timeline("note");
  for (let times = 0; times < 100; times++) await alice.share(note, carol);
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  await carol.edit(note, { hand: "carol" });
  await carol.sync(note);
  await alice.sync(note);
  await expectInStep(alice, bob, [note]);
});

test("an owner who has shared and taken back a thousand times in all meets a new receiver, and is read there", async () => {
  const [senders, receivers] = [["alice", "carol"], ["bob", "dave"] as const];
  const world = await createWorld({ seed: "a thousand", senders, receivers });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const [bob, dave] = world.receivers;
  const note = await alice.timeline("note");
  await alice.sync(note, { at: bob!.name });
  for (let times = 0; times < 515; times++) {
    await alice.share(note, carol);
    await unshare(alice.identity, { timeline: note, from: carol.address });
  }
  await alice.share(note, carol);
  for (const at of [bob!, dave!]) {
    await alice.sync(note, { at: at.name });
    await carol.sync(note, { at: at.name });
    await carol.edit(note, { [at.name]: 1 });
    await carol.sync(note, { at: at.name });
    await expectInStep(carol, at, [note]);
  }
  await world.close();
});

scenario(
  "a receiver that has shared a hundred times is met by newcomers",
  async ({ alice, carol, bob }) => {
    for (const newcomer of [alice, carol]) {
      const note = await newcomer.timeline("note");
      await newcomer.sync(note);
      await newcomer.sync(note); // by now it knows bob
      await expectInStep(newcomer, bob, [note]);
    }
  },
  { earlier: (receiver) => signOften(receiver, 100) },
);

scenario(
  "two who have both shared more often than one message could tell",
  async ({ alice, bob }) => {
    await signOften(alice, 200);
    const note = await alice.timeline("note");
    await alice.sync(note);
    await signOften(alice, 100);
    await alice.edit(note, { text: "again" });
    await alice.sync(note);
    await expectInStep(alice, bob, [note]);
  },
  { earlier: (receiver) => signOften(receiver, 200) },
);

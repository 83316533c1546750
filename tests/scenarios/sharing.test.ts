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

import { expect } from "vitest";
import { scenario } from "./scenario.js";

scenario("a push of what the receiver is ahead of changes nothing, on either side", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await alice.timeline("note");
  await alice.share(note, carol);
  await alice.sync(note);
  await carol.sync(note);
  await alice.edit(note, { hand: "alice" });
  await alice.sync(note);
  const [atBob, atCarol] = [await bob.graph(note), await carol.graph(note)];
  const report = await carol.sync(note, { direction: "push" });
  expect(report.tips).toMatchObject([{ address: note, tip: (await alice.tip(note)).address }]);
  expect([await bob.graph(note), await carol.graph(note)]).toEqual([atBob, atCarol]);
  expect(await carol.sender.status(note)).toBe("durable");

  await carol.sync(note);
  expect(await carol.graph(note)).toEqual(atBob);
});

scenario("a push that another commit comes before ends in diverged, and changes nothing", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await alice.timeline("note");
  await alice.share(note, carol);
  await alice.sync(note);
  await carol.sync(note);
  for (let round = 0; round < 10; round++) {
    await alice.edit(note, { hand: "alice", round });
    await carol.edit(note, { hand: "carol", round });
    const pushes = [alice, carol].map((peer) => peer.sync(note, { direction: "push" }));
    const outcomes = await Promise.allSettled(pushes);
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(failed.map(({ reason }) => reason.code)).toEqual(["diverged"]);
    for (const peer of [alice, carol, alice]) await peer.sync(note);
    expect(await carol.graph(note)).toEqual(await bob.graph(note));
  }
});

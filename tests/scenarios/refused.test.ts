import { expect } from "vitest";
import { unshare, whoMay } from "../../src/peer/index.js";
import { scenario } from "./scenario.js";

scenario(
  "a reader's edit is not taken, stays with the reader, and does not keep out what others change",
  async (cast) => {
    const { alice, carol } = cast;
    const [note, other] = [await alice.timeline("note"), await alice.timeline("other")];
    for (const timeline of [note, other]) await alice.share(timeline, carol, "read");
    await alice.sync([note, other]);
    await carol.sync([note, other], { direction: "pull" });
    await carol.edit(note, { byCarol: true });
    await alice.edit(note, { byAlice: true });
    await alice.edit(other, { byAlice: true });
    await alice.sync([note, other]);

    // The session goes on, and says it again each time.
    for (let times = 0; times < 2; times++) {
      const { left } = await carol.sender.sync([note, other]);
      expect(left).toMatchObject([{ address: note, reason: "may_not_write", by: carol.address }]);
      expect((await carol.tip(note)).data).toMatchObject({ byAlice: true, byCarol: true });
      expect((await carol.tip(other)).data).toMatchObject({ byAlice: true });
    }
    await alice.sync([note, other]);
    expect((await alice.tip(note)).data).not.toHaveProperty("byCarol");

    await alice.share(note, carol, "write");
    await alice.sync([note, other]);
    await carol.sync([note, other]);
    await alice.sync([note, other]);
    expect((await alice.tip(note)).data).toMatchObject({ byAlice: true, byCarol: true });
    expect(await alice.graph(note)).toEqual(await carol.graph(note));
  },
);

scenario("who is in step is told of the writers all the same", async ({ alice, carol }) => {
  const note = await alice.timeline("note");
  await alice.share(note, carol, "read");
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  await alice.share(note, carol, "write");
  await alice.sync(note);
  for (const direction of ["pull", "both"] as const) {
    await carol.sync(note, { direction });
    const told = await whoMay(carol.identity, note);
    expect(told).toMatchObject([{ with: carol.address, access: "write" }]); // who may read is for alice to know
  }
});

scenario("who was withdrawn is refused, also where part of it was its own work", async ({ alice, carol }) => {
  const note = await alice.timeline("note");
  const list = await alice.timeline("list");
  await alice.link(list, "note", [note]);
  for (const timeline of [note, list]) await alice.share(timeline, carol);
  await alice.sync(list);
  await carol.sync(list, { direction: "pull" });
  await carol.edit(note, { byCarol: true });
  for (const peer of [carol, alice]) await peer.sync(list);
  for (const timeline of [note, list]) await unshare(alice.identity, { timeline, from: carol.address });
  await alice.sync(list);
  const { left } = await carol.sync(list);
  expect(left.map(({ address }) => address)).toContain(list);
});

import { expect } from "vitest";
import { unshare } from "../../src/peer/index.js";
import { expectKept } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

const refused = { code: "author_not_permitted" };

scenario(
  "what a grantee added before the receiver learnt of a withdrawal is its owner's to take over",
  async (cast) => {
    const { alice, carol, erin, bob } = cast;
    const note = await alice.timeline("note", { data: { text: "first" } });
    await alice.share(note, carol);
    await alice.share(note, erin);
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    await erin.sync(note, { direction: "pull" });

    await unshare(alice.identity, { timeline: note, from: carol.address });
    const late = await carol.edit(note, { hand: "carol" });
    await carol.sync(note); // bob has not heard of it
    const mine = await alice.edit(note, { text: "by alice" });

    await expect(alice.sync(note)).rejects.toMatchObject(refused);
    expect((await alice.tip(note)).address).toBe(mine.address);

    await alice.sync(note, { adopt: true });
    await expectInStep(alice, bob, [note]);
    await expectKept([alice, bob], note, [late, mine]);
    expect((await alice.tip(note)).data).toMatchObject({ text: "by alice", hand: "carol" });
    await erin.sync(note);
    await expectInStep(erin, bob, [note]);
  },
);

scenario(
  "a change that is taken over and not merged goes up with the next saga",
  async ({ alice, carol, erin, bob }) => {
    const note = await alice.timeline("note");
    await alice.share(note, carol);
    await alice.share(note, erin);
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await carol.edit(note, { hand: "carol" });
    await carol.sync(note);

    await alice.sync(note, { adopt: true });
    expect((await alice.tip(note)).data).toMatchObject({ hand: "carol", n: 2 });
    await alice.sync(note);
    await expectInStep(alice, bob, [note]);
    await erin.sync(note);
    await expectInStep(erin, bob, [note]);
  },
);

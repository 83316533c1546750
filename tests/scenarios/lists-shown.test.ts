/** A list that moves while a receiver answers is shown once, as far as it has come by then. */
import { expect } from "vitest";
import { listsOf } from "../../src/lists/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

scenario(
  "alice changes the list of writers while carol is shown it: carol goes on (M15, O1)",
  async ({ alice, carol, erin, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    await alice.share(note, erin);
    await alice.edit(note, { text: "second" });
    await alice.sync(note);
    const { writers } = listsOf(note, alice.address);
    const { space } = bob;
    const tip = space.tip.bind(space);
    let isMoved = false;
    space.tip = async (timeline) => {
      if (!isMoved && timeline === writers) {
        isMoved = true;
        await alice.share(note, bob);
        await alice.sync(note);
      }
      return tip(timeline);
    };
    await carol.sync(note);
    expect(isMoved).toBe(true);
    await carol.sync(note);
    expect((await carol.tip(note)).address).toBe((await alice.tip(note)).address);
    expect((await carol.space.tip(writers))?.address).toBe((await alice.space.tip(writers))?.address);
  },
);

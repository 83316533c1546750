/** A list that its owner changes while a saga of hers is under way decides what that saga may still land. */
import { expect } from "vitest";
import { unshare } from "../../src/peer/index.js";
import type { Commit } from "../../src/space/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";

scenario(
  "alice withdraws carol right before what carol has made would land: it does not count (M17, M19)",
  async ({ alice, carol, bob }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob]);
    await carol.edit(note, { carol: "late" });
    await carol.sync(note);
    const { space } = alice;
    const commit = space.commit.bind(space);
    let isWithdrawn = false;
    space.commit = async (changes: Commit) => {
      if (!isWithdrawn && changes.saga !== undefined && changes.tips?.some(({ tjp }) => tjp === note)) {
        isWithdrawn = true;
        await unshare(alice.identity, { timeline: note, from: carol.address });
      }
      return commit(changes);
    };
    const { left } = await alice.sync(note);
    expect(isWithdrawn).toBe(true);
    expect(left).toMatchObject([{ address: note, reason: "may_not_write", by: carol.address }]);
    expect((await alice.tip(note)).data).not.toHaveProperty("carol");
    await alice.sync(note);
    expect((await bob.tip(note)).address).toBe((await alice.tip(note)).address);
  },
);

/** What a receiver says of a root, and what it says belongs to it, is of one moment: others may move the root in between. */
import { expect, test } from "vitest";
import { createWorld } from "../../src/testing/index.js";
import { runs } from "../merge/runs.js";

const { numRuns: rounds } = runs(20);

test.each(["owners", "open"] as const)(
  "a link that comes while a receiver answers is brought by the next sync (%s)",
  async (access) => {
    const world = await createWorld({ senders: ["alice", "carol"], seed: "meanwhile", access });
    const [alice, carol] = world.senders;
    const root = await alice.timeline("root", { data: { title: "root" } });
    if (access === "owners") await alice.share(root, carol);
    await alice.sync(root);
    await carol.sync(root);
    const { space } = world.receiver;
    const reachableTips = space.reachableTips.bind(space);
    let meanwhile: (() => Promise<unknown>) | undefined;
    let moved = 0;
    space.reachableTips = async (...asked) => {
      const due = meanwhile;
      meanwhile = undefined;
      if (due) {
        await due();
        moved += 1;
      }
      return reachableTips(...asked);
    };
    for (let at = 0; at < rounds; at++) {
      const inner = access === "owners" ? { within: root } : {};
      await alice.edit(root, { before: at });
      await alice.sync(root);
      if (at % 2 === 1) await carol.edit(root, { [`carol ${at}`]: at });
      const note = await alice.timeline(`note ${at}`, inner);
      await alice.link(root, "notes", [note]);
      meanwhile = () => alice.sync(root);
      expect((await carol.sync(root)).left).toEqual([]);
      await carol.sync(root);
      expect(await carol.space.tip(note)).toBeDefined();
      expect((await carol.tip(root)).address).toBe((await world.receiver.tip(root)).address);
    }
    expect(moved).toBe(rounds);
    await world.close();
  },
);

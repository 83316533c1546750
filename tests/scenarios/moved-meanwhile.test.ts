import { expect, test } from "vitest";
import { type Address, type IbGib, mutate } from "../../src/ibgib/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import { share } from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld } from "../../src/testing/index.js";

/** Lets something else happen, once, before one kind of look. */
class PausedSpace extends InnerSpace {
  meanwhile:
    | { readonly before: "frames" | "reachableTips"; readonly happens: () => Promise<void> }
    | undefined;

  override async frames(...asked: Parameters<InnerSpace["frames"]>): ReturnType<InnerSpace["frames"]> {
    const [, from, to] = asked;
    if (from !== to) await this.#pause("frames");
    return super.frames(...asked);
  }

  override async reachableTips(
    ...asked: Parameters<InnerSpace["reachableTips"]>
  ): ReturnType<InnerSpace["reachableTips"]> {
    await this.#pause("reachableTips");
    return super.reachableTips(...asked);
  }

  async #pause(before: string): Promise<void> {
    const { meanwhile } = this;
    if (meanwhile?.before !== before) return;
    this.meanwhile = undefined;
    await meanwhile.happens();
  }
}

test.each(["push", "both"] as const)(
  "a tip that a merge leads past while its frames are on their way: those frames go out all the same: %s",
  async (direction) => {
    const space = new PausedSpace();
    const spaces = [new InnerSpace(), space];
    const world = await createWorld({ access: "open", space: () => spaces.shift() ?? new InnerSpace() });
    const [alice] = world.senders;
    const [tjp, { address: holder }] = [await alice!.timeline("note"), alice!];
    await alice!.sync(tjp);
    const base = await alice!.edit(tjp, { edit: "base" });
    await alice!.sync(tjp);
    await alice!.edit(tjp, { edit: "ours" });
    const ours = await alice!.edit(tjp, { edit: "ours again" });
    const theirs: IbGib[] = [];
    for (let at = 0; at < 3; at++) theirs.push(mutate(theirs.at(-1) ?? base, { at }));
    const held = new Map(theirs.map((frame) => [frame.address, frame]));
    const reader = {
      getMany: async (wanted: readonly Address[]) =>
        (await space.getMany(wanted)).map((found, at) => found ?? held.get(wanted[at]!)),
    };
    const merged = await mergeTips([ours.address, theirs.at(-1)!.address], reader, mergeFunctions());
    if (!("frame" in merged)) throw new Error("nothing to merge");
    expect(merged.frame.rel8ns?.["past"]).toEqual([theirs.at(-1)!.address]);
    const happens = async () => {
      const tips = [{ tjp, from: ours.address, to: merged.frame.address }];
      const sight = { holders: [holder] };
      const { kind } = await space.commit({ holder, sight, puts: [...theirs, merged.frame], tips });
      expect(kind).toBe("committed");
    };
    space.meanwhile = { before: "frames", happens };
    await alice!.sync(tjp, { direction });
    expect(space.meanwhile).toBe(undefined);
    expect((await world.receiver.space.tip(tjp))?.address).toBe(ours.address);
    await alice!.sync(tjp, { direction });
    expect((await world.receiver.space.tip(tjp))?.address).toBe(merged.frame.address);
    await world.close();
  },
);

test.each(["pull", "both"] as const)(
  "a tip that others move while a receiver makes its answer: what is told of it is what is sent and proved: %s",
  async (direction) => {
    const space = new PausedSpace();
    const spaces = [space];
    const world = await createWorld({
      senders: ["alice", "carol"],
      space: () => spaces.shift() ?? new InnerSpace(),
    });
    const [alice, carol] = world.senders;
    const note = await alice!.timeline("note");
    await share(alice!.identity, { timeline: note, with: carol!.address, access: "write" });
    await alice!.sync(note);
    await carol!.sync(note, { direction: "pull" });
    const told = (await alice!.edit(note, { edit: 1 })).address;
    await alice!.sync(note);
    const newest = (await alice!.edit(note, { edit: 2 })).address;
    space.meanwhile = { before: "reachableTips", happens: async () => void (await alice!.sync(note)) };
    await carol!.sync(note, { direction });
    expect((await carol!.tip(note)).address).toBe(told);
    await carol!.sync(note, { direction });
    expect((await carol!.tip(note)).address).toBe(newest);
    await world.close();
  },
);

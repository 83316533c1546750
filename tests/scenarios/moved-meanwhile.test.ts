import { expect, test } from "vitest";
import { share } from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld } from "../../src/testing/index.js";

/** Lets something else happen between two looks of a receiver's answer. */
class PausedSpace extends InnerSpace {
  pause = async (): Promise<void> => undefined;

  override async reachableTips(
    ...asked: Parameters<InnerSpace["reachableTips"]>
  ): ReturnType<InnerSpace["reachableTips"]> {
    await this.pause();
    return super.reachableTips(...asked);
  }
}

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
    space.pause = async () => {
      space.pause = async () => undefined;
      await alice!.sync(note);
    };
    await carol!.sync(note, { direction });
    expect((await carol!.tip(note)).address).toBe(told);
    await carol!.sync(note, { direction });
    expect((await carol!.tip(note)).address).toBe(newest);
    await world.close();
  },
);

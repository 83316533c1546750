import { expect, test } from "vitest";
import { deferred } from "../../src/peer/home/deferred.js";
import { createSender, type PeerEvent, type Sender } from "../../src/peer/index.js";
import { type Commit, InnerSpace } from "../../src/space/index.js";
import { createWorld, tapDial } from "../../src/testing/index.js";
import type { Message } from "../../src/transport/index.js";
import { nameOf } from "../protocol/faults.js";
import { eventually } from "../waiting.js";

/** Keeps sagas from becoming durable here until it is told to go on. */
class HeldSpace extends InnerSpace {
  until: Promise<void> = Promise.resolve();

  override async commit(commit: Commit): ReturnType<InnerSpace["commit"]> {
    if (commit.saga !== undefined) await this.until;
    return super.commit(commit);
  }
}

test("two processes of one home bring the same frame at once: both are told that it is there", async () => {
  const space = new HeldSpace();
  const spaces = [new InnerSpace(), space];
  const world = await createWorld({ space: () => spaces.shift() ?? new InnerSpace() });
  const [alice] = world.senders;
  const note = await alice!.timeline("note");
  const goOn = deferred<void>();
  const commits: PeerEvent[] = [];
  const onEvent = (event: PeerEvent) => {
    if (event.kind === "turn" && event.type === "commit") commits.push(event);
    if (commits.length === 3) goOn.resolve(); // the second one has heard of the first, and commits again
  };
  const { dial, audience } = world;
  const senders = [1, 2].map(() => createSender({ identity: alice!.identity, dial, audience, onEvent }));
  for (const sender of senders) await sender.sync([note]);
  const tip = (await alice!.edit(note, { edit: 1 })).address;
  commits.length = 0;
  space.until = goOn.promise;
  const syncs = senders.map((sender) => sender.sync([note]));
  for (const sync of syncs) sync.catch(() => goOn.resolve());
  const reports = await Promise.all(syncs);
  expect(reports.map(({ tips }) => tips[0]?.tip)).toEqual([tip, tip]);
  for (const sender of senders) await sender.disconnect();
  await world.close();
});

test.each(["push", "pull", "both"] as const)(
  "another process of the home edits and syncs while a saga of this one is under way: %s",
  async (direction) => {
    const world = await createWorld();
    const [alice] = world.senders;
    const note = await alice!.timeline("note");
    const { dial, audience } = world;
    let held: Message | undefined;
    let isHolding = false;
    const tap = tapDial(dial, ({ message }) => {
      if (!isHolding || nameOf(message) !== "commit") return [message];
      isHolding = false;
      held = message;
      return [];
    });
    const [slow, other] = [tap.dial, dial].map((way) =>
      createSender({ identity: alice!.identity, dial: way, audience }),
    ) as [Sender, Sender];
    for (const sender of [slow, other]) await sender.sync([note]);
    await alice!.edit(note, { edit: 1 });
    isHolding = true;
    const syncing = slow.sync([note], { direction });
    expect(await eventually(() => held !== undefined)).toBe(true);
    await other.sync([note]);
    const tip = (await alice!.edit(note, { edit: 2 })).address;
    await other.sync([note]);
    tap.inject("receiver", held!);
    const report = await syncing;
    if (direction !== "pull") expect(report.tips.map((each) => each.tip)).toEqual([tip]);
    expect((await alice!.tip(note)).address).toBe(tip);
    expect((await world.receiver.space.tip(note))?.address).toBe(tip);
    for (const sender of [slow, other]) await sender.disconnect();
    await world.close();
  },
);

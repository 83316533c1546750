import { expect, test } from "vitest";
import { deferred } from "../../src/peer/home/deferred.js";
import { createSender, type PeerEvent } from "../../src/peer/index.js";
import { type Commit, InnerSpace } from "../../src/space/index.js";
import { createWorld } from "../../src/testing/index.js";

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

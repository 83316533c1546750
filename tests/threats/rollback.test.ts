import { expect, test } from "vitest";
import { createReceiver, createSender, openIdentity } from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld, type SenderPeer, seededPlatform } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { FlushingStore, spaceOn } from "../kill/flushing-store.js";

test.each(["push", "pull", "both"] as const)(
  "a receiver that shows an older tip as its newest moves nobody back, and no key signs again: %s (threat 14)",
  async (direction) => {
    const store = new FlushingStore(async () => undefined);
    const spaces = [spaceOn(store)];
    const platform = seededPlatform("rollback");
    const world = await createWorld({ platform, space: () => spaces.shift() ?? new InnerSpace() });
    const [alice] = world.senders as [SenderPeer];
    const note = await alice.timeline("note");
    await alice.sync(note);
    const older = await store.survivors()();
    await alice.edit(note, { text: "newer" });
    await alice.sync(note);
    const [tip, lanes] = [await alice.tip(note), await lanesOf(alice)];

    const secret = world.receiver.identity.secretFor("delegate");
    const identity = await openIdentity({ space: older, secret });
    const options = { identity, audiences: [world.audience], admission: { kind: "open" }, platform } as const;
    const rolledBack = await createReceiver(options);
    const { listen, dial } = createInnerspace(platform);
    listen((connection) => rolledBack.accept(connection));
    const sender = createSender({ identity: alice.identity, dial, audience: world.audience, platform });
    await sender.sync([note], { direction });
    await sender.disconnect();

    expect(await alice.tip(note)).toEqual(tip);
    expect(await lanesOf(alice)).toEqual(lanes.map((n) => n + 1));
    expect((await older.tip(note))?.address === tip.address).toBe(direction !== "pull");
    await rolledBack.close();
    await world.close();
  },
);

/** How far each lane has come. */
async function lanesOf({ identity, space }: SenderPeer): Promise<readonly number[]> {
  const cells = await space.cells("lane-to/");
  const lanes = cells.map(({ value }) => JSON.parse(Buffer.from(value).toString()).lane);
  return Promise.all(lanes.map(async (lane) => (await identity.signer.load(lane, "lane")).state.n));
}

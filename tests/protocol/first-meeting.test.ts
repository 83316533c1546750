import { expect, test } from "vitest";
import { createSender } from "../../src/peer/index.js";
import { createWorld, tapDial } from "../../src/testing/index.js";

test("connections that meet a receiver at the same time found one lane, and all get through", async () => {
  for (let round = 0; round < 20; round++) {
    const world = await createWorld({ seed: `first meeting ${round}` });
    const [alice] = world.senders;
    const { dial, audience } = world;
    const senders = Array.from({ length: 5 }, () =>
      createSender({ identity: alice!.identity, dial, audience }),
    );
    const notes = await Promise.all(senders.map((_, i) => alice!.timeline(`note ${i}`)));
    await Promise.all(senders.map((sender, i) => sender.sync([notes[i]!])));
    await Promise.all(senders.map((sender) => sender.disconnect()));

    const lanes = await world.receiver.space.cells("lane/");
    expect(lanes).toHaveLength(1);
    const lane = JSON.parse(new TextDecoder().decode(lanes[0]?.value));
    expect(lane).toMatchObject({ n: senders.length, delegator: alice!.address });
    expect(lane.sessions).toHaveLength(senders.length);
    await world.close();
  }
});

test("who has met the receiver shows it only the frame that vouches", async () => {
  const world = await createWorld({ seed: "met before" });
  const [alice] = world.senders;
  const tap = tapDial(world.dial);
  const sender = createSender({ identity: alice!.identity, dial: tap.dial, audience: world.audience });
  const shown: number[][] = [];
  for (let meeting = 0; meeting < 3; meeting++) {
    await sender.connect();
    await sender.disconnect();
    const said = tap.said.flatMap(({ message }) =>
      typeof message === "string" ? [JSON.parse(message)] : [],
    );
    const { identityFrames, laneFrames } = said.findLast(({ type }) => type === "connect");
    shown.push([identityFrames.length, laneFrames.length]);
  }
  // I's genesis and its delegation, L's genesis; then nothing beside the lane frame in the proof.
  expect(shown).toEqual([
    [2, 1],
    [0, 0],
    [0, 0],
  ]);
  await world.close();
});

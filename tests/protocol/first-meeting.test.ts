import { expect, test } from "vitest";
import { createSender } from "../../src/peer/index.js";
import { createWorld } from "../../src/testing/index.js";

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

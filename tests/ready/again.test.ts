/** Who has disconnected may connect at once: nothing of the connection before is in its way. */
import { expect, test } from "vitest";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld, seededPlatform } from "../../src/testing/index.js";
import { guest } from "../invites/cast.js";
import { codeOf, spaceWith } from "../protocol/lab.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { jitterOf, jitteryDial } from "./jitter.js";
import { patient } from "../waiting.js";

const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 12);

for (const [transport, network] of Object.entries({ innerspace: undefined, websocket: webSocketNetwork })) {
  test(`${rounds} times, with room for one session of each: over ${transport}`, async () => {
    const platform = seededPlatform(`again over ${transport}`);
    const jitter = jitterOf(`again at the receiver over ${transport}`, 8);
    const world = await createWorld({
      platform,
      limits: { ...patient, sessionsPerIdentityMax: 1 },
      space: () => spaceWith(new InnerSpace(), { before: jitter, after: jitter }),
      ...(network && { network: network() }),
    });
    const [alice] = world.senders;
    const own = jitterOf("again at the sender");
    const dial = jitteryDial(world.dial, own);
    const sender = guest(world, alice!.identity, undefined, { dial, platform, limits: patient });
    const note = await alice!.timeline("note");
    const codes: string[] = [];
    for (let round = 0; round < rounds; round++) {
      if (round % 4 === 0) codes.push(await codeOf(sender.connect()));
      else if (round % 4 === 1) codes.push(await codeOf(sender.sync([note])));
      else {
        // Cut off anywhere in a saga.
        await alice!.edit(note, { round });
        const cut = codeOf(sender.sync([note]));
        for (let turns = round; turns > 0; turns--) await own();
        await sender.disconnect();
        expect(["none", "connection_closed"]).toContain(await cut);
      }
      await sender.disconnect();
    }
    expect(codes.filter((code) => code !== "none")).toEqual([]);
    expect(await codeOf(sender.sync([note]))).toBe("none");
    await sender.disconnect();
    await world.close();
  });
}

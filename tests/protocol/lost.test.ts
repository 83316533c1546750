import { expect, test } from "vitest";
import { createWorld, type Network, seededPlatform, tapDial } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { codeOf } from "./lab.js";

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  "a connection that is lost around message %i, at whatever moment, may be tried again",
  async (message) => {
    const platform = seededPlatform("lost");
    let left = Number.POSITIVE_INFINITY;
    let moments = 0;
    const network: Network = {
      async listen(receiver) {
        const { listen, dial, sever } = createInnerspace(platform);
        listen((connection) => receiver.accept(connection));
        const tap = tapDial(dial, (passing) => {
          if (left-- === 0) void later(moments).then(sever);
          return [passing.message];
        });
        return { audience: "innerspace://receiver", dial: tap.dial, close: () => receiver.close() };
      },
    };
    const world = await createWorld({ platform, network });
    const [alice] = world.senders;
    const note = await alice!.timeline("note");
    const codes = new Set<string>();
    for (moments = 0; moments < 60; moments++) {
      await alice!.edit(note, { moments });
      left = message;
      codes.add(await codeOf(alice!.sync(note)));
    }
    await world.close();
    codes.delete("none");
    codes.delete("connection_lost");
    expect([...codes]).toEqual([]);
  },
);

/** A while as short as can be told from another. */
async function later(moments: number): Promise<void> {
  for (let at = 0; at < moments; at++) await Promise.resolve();
}

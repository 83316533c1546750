import { describe, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import type { TapSide } from "../../src/testing/index.js";
import { nameOf } from "./faults.js";
import { codeOf, expectQuiet, openLab, tapped } from "./lab.js";
import { benchOf, type StoryName, tell } from "./matrix.js";
import { eventually } from "../waiting.js";

describe("between sagas there is no payload", () => {
  const cases: readonly (readonly [TapSide, StoryName])[] = [
    ["sender", "pull"],
    ["receiver", "note"],
  ];
  test.each(cases)("to the %s", async (to, story) => {
    const lab = await openLab(`between sagas ${to}`);
    const bench = benchOf(lab);
    const { sender, tap, events } = tapped(lab, bench.alice);
    await sender.sync(await tell(story, bench, bench.alice));
    const sent = tap.said.find((said) => said.to === to && nameOf(said.message) === "records");
    tap.inject(to, sent!.message);
    expect(await eventually(() => events.at(-1)?.kind === "closed")).toBe(true);
    const seen = [...events, ...bench.bob.events].flatMap((event) =>
      event.kind === "closed" ? [event] : [],
    );
    expect(seen.map(({ error }) => error)).toContainEqual(
      expect.objectContaining({ code: "out_of_turn", facts: expect.objectContaining({ got: "payload" }) }),
    );
    await expectQuiet(lab);
    await lab.world.close();
  });
});

describe("lists too long for a turn travel as payload, whichever way records may go", () => {
  test.each(["push", "pull", "both"] as const)("%s", async (direction) => {
    const lab = await openLab(`long lists ${direction}`);
    const bench = benchOf(lab);
    const [from, to] = direction === "pull" ? [bench.bob, bench.alice] : [bench.alice, bench.bob];
    const roots = await tell(direction === "pull" ? "many pull" : "many", bench, bench.alice);
    const { sender } = tapped(lab, bench.alice);
    const report = await sender.sync(roots, { direction });
    expect(report.tips).toHaveLength(roots.length);
    expect(await from.space.hasMany(roots)).toEqual(await to.space.hasMany(roots));
    // And again, where every status is "same".
    expect((await sender.sync(roots, { direction })).tips).toHaveLength(roots.length);
    await sender.disconnect();
    await expectQuiet(lab);
    await lab.world.close();
  });
});

describe("a receiver that says other tips than it was told (threat 3)", () => {
  test.each(["ack", "receipt"])(
    "in its %s, rightly signed by somebody else: nothing is taken over",
    async (name) => {
      const lab = await openLab(`other tips ${name}`, { senders: ["alice", "carol"] });
      const bench = benchOf(lab);
      const { sender: hers, tap } = tapped(lab, bench.carol);
      await hers.sync(await tell("note", bench, bench.carol));
      await hers.disconnect();
      const foreign = tap.said.find(({ message }) => nameOf(message) === name)!.message;
      const roots = await tell("pull", bench, bench.alice);
      const { sender } = tapped(lab, bench.alice, ({ message }) => [
        nameOf(message) === name ? foreign : message,
      ]);
      expect(await codeOf(sender.sync(roots))).toBe("out_of_turn");
      expect(await bench.alice.space.hasMany(roots)).toEqual([false]);
      await sender.disconnect();
      await lab.world.close();
    },
  );
});

test("what a tap says of a connection that is not there is a typed error", async () => {
  const lab = await openLab("no connection");
  const { tap } = tapped(lab, benchOf(lab).alice);
  expect(() => tap.inject("receiver", "{}")).toThrow(new KeysagaError("connection_closed"));
  await lab.world.close();
});

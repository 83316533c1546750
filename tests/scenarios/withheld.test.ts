import { expect, vi } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { scenario } from "./scenario.js";

/** Records that nobody sends. */
const withheld = vi.hoisted(() => new Set<Address>());

vi.mock("../../src/peer/session/outgoing.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/session/outgoing.js")>();
  async function* outgoing(...args: Parameters<typeof original.outgoing>) {
    for await (const departure of original.outgoing(...args))
      if (!withheld.has(departure.record.address)) yield departure;
  }
  return { ...original, outgoing };
});

scenario(
  "a stone from another receiver counts as absent towards this one, which has to send it (SC19)",
  async ({ alice, carol, bob, dave }) => {
    const content = { data: { of: "the lake" } };
    const stone = await dave.stone("photo", content);
    const album = await dave.timeline("album");
    await dave.link(album, "photo", [stone]);
    await dave.share(album, alice, "read");
    await alice.sync(album, { at: "dave", direction: "pull" });
    expect(await alice.space.hasMany([stone])).toEqual([true]);

    // Bob tries out who has it.
    const page = await bob.timeline("page");
    await bob.stone("photo", content);
    await bob.link(page, "photo", [stone]);
    for (const reader of [alice, carol]) {
      await bob.share(page, reader, "read");
      withheld.add(stone);
      const pull = reader.sync(page, { direction: "pull" });
      await expect(pull).rejects.toMatchObject({ code: "record_missing" });
      withheld.clear();
      await reader.sync(page, { direction: "pull" });
      expect(await reader.tip(page)).toEqual(await bob.tip(page));
    }
  },
);

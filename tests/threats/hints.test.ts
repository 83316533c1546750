import { describe, expect, test, vi } from "vitest";
import type { IbGib } from "../../src/ibgib/index.js";
import type { SenderKnown } from "../../src/saga/index.js";
import { Connect } from "../../src/saga/messages.js";
import type { SenderPeer } from "../../src/testing/index.js";
import { tampered } from "../keystone/keystones.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, openLab, tapped } from "../protocol/lab.js";

/** What a dishonest receiver says that it knows, instead of what it does. */
const lie = vi.hoisted(() => ({ about: (known: SenderKnown): SenderKnown => known }));

vi.mock("../../src/peer/receiver/receiver-store.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/receiver/receiver-store.js")>();
  const loadKnown: typeof original.loadKnown = async (...args) =>
    lie.about(await original.loadKnown(...args));
  return { ...original, loadKnown };
});

const numbers = [-1, 0, 1, 2, 3, 64, 1_000, 2 ** 31, Number.MAX_SAFE_INTEGER];
type Lie = (known: SenderKnown, n: number) => SenderKnown;

/** A frame, as if it had that number; `spent`: and as if it were another one. */
const saying = (frame: IbGib, n: number, spent = 0) =>
  tampered(frame, ({ data }) => {
    data.n = n;
    data.pools[0].used += spent;
  });

/** With its genesis as the tip, which has been told before, or with the one that it really holds. */
const lies: Record<string, Lie> = {
  "the lane has come so far": (known, n) => ({
    ...known,
    lane: known.lane && { ...known.lane, newest: saying(known.lane.newest, n) },
  }),
  "the lane has come so far, by a frame that alice has never made": (known, n) => ({
    ...known,
    lane: known.lane && {
      ...known.lane,
      newest: saying(known.lane.newest, n, 1),
    },
  }),
  "the identity has come so far": (known, n) => ({
    ...known,
    identity: known.identity && { ...known.identity, keystone: { ...known.identity.keystone, n } },
  }),
};

/** The lane frame that alice shows when she connects for the third time, and how that ends. */
async function thirdConnect(about: (known: SenderKnown) => SenderKnown) {
  lie.about = (known) => known;
  const lab = await openLab("hints");
  const [alice] = lab.world.senders as [SenderPeer];
  const { sender, tap } = tapped(lab, alice);
  for (let meeting = 0; meeting < 2; meeting++) {
    await sender.connect();
    await sender.disconnect();
  }
  const before = await journalOf(alice);
  const said = tap.said.length;
  lie.about = about;
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  const shown = tap.said.slice(said).find(({ message }) => nameOf(message) === "connect")?.message;
  const after = await journalOf(alice);
  await lab.world.close();
  const lane = shown === undefined ? undefined : Connect.parse(JSON.parse(String(shown))).proof.lane;
  return { code, lane, hasSigned: JSON.stringify(after) !== JSON.stringify(before) };
}

async function journalOf({ space }: SenderPeer): Promise<readonly string[]> {
  return (await space.cells("journal/")).map(({ value }) => Buffer.from(value).toString());
}

describe("hints of every size change no signed byte (threat 3)", () => {
  test.each(Object.entries(lies))("a receiver that says that %s", async (_, about) => {
    const honest = await thirdConnect((known) => known);
    expect(honest).toMatchObject({ code: "none", hasSigned: true });
    for (const n of numbers) {
      const { lane, code, hasSigned } = await thirdConnect((known) => about(known, n));
      if (lane === undefined) {
        expect(hasSigned, `${n}: ${code}`).toBe(false);
        expect(code).not.toBe("none");
      } else expect(lane, String(n)).toEqual(honest.lane);
    }
  });

  test("and it does lie: some of it stops alice, some does not", async () => {
    const far = await thirdConnect((known) => lies["the lane has come so far"]!(known, 1_000));
    const none = await thirdConnect((known) => lies["the lane has come so far"]!(known, 2));
    expect([far.code, far.lane]).toEqual(["receiver_unproved", undefined]);
    expect(none.code).toBe("none");
  });
});

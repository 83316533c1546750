/** A receiver that shows made-up or old frames as newer ones, to have a home take it that it was put back from a backup. */
import { afterEach, expect, test, vi } from "vitest";
import { type Address, decodeText, type RecordText, sealRecord, toText } from "../../src/ibgib/index.js";
import { createIdentity, createSender, type Identity, openIdentity } from "../../src/peer/index.js";
import { verifySpace } from "../../src/index.js";
import type { SenderKnown, Standing } from "../../src/saga/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { type TapRule, tapDial } from "../../src/testing/index.js";
import { tampered } from "../keystone/keystones.js";
import { signsTwice } from "../one-time/ledger.js";
import { copyOf } from "../protocol/copies.js";
import { delegate } from "../protocol/delegations.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, contentsOf, openLab } from "../protocol/lab.js";

/** What a dishonest receiver says that it knows, instead of what it does. */
const lie = vi.hoisted(() => ({
  about: (known: SenderKnown): SenderKnown => known,
  standing: (standing: Standing): Standing => standing,
}));

vi.mock("../../src/peer/receiver/receiver-store.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/receiver/receiver-store.js")>();
  const loadKnown: typeof original.loadKnown = async (...args) =>
    lie.about(await original.loadKnown(...args));
  return { ...original, loadKnown };
});

vi.mock("../../src/saga/handshake.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/saga/handshake.js")>();
  const standingOf: typeof original.standingOf = (state) => lie.standing(original.standingOf(state));
  return { ...original, standingOf };
});

afterEach(() => {
  lie.about = (known) => known;
  lie.standing = (standing) => standing;
});

/** A home that has met a receiver and signed since, and a copy from before that. */
async function copied(seed: string) {
  const { platform, world } = await openLab(seed);
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const home = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  const connect = async (identity: Identity, rule?: TapRule) => {
    const { dial } = tapDial(world.dial, rule);
    const sender = createSender({ identity, dial, audience: world.audience, platform });
    const code = await codeOf(sender.connect());
    await sender.disconnect();
    return code;
  };
  const open = (space: Space) => openIdentity({ space, secret, platform, signUnconfirmed: true });
  expect(await connect(home)).toBe("none");
  const copy = await copyOf(home.space, home.address);
  await delegate(home, "a");
  expect(await connect(home)).toBe("none");
  return { world, home, copy, connect, open };
}

const laneFrames: Record<string, (known: SenderKnown) => SenderKnown> = {
  "a frame of the lane that nobody has signed": (known) => ({
    ...known,
    lane: known.lane && {
      ...known.lane,
      newest: tampered(known.lane.newest, ({ data }) => {
        data.n = 9;
      }),
    },
  }),
  "a frame of the lane with another's key": (known) => ({
    ...known,
    lane: known.lane && {
      ...known.lane,
      newest: tampered(known.lane.newest, ({ data }) => {
        data.n = 9;
        data.proofs[0].solutions[0].publicKey = "ab".repeat(32);
      }),
    },
  }),
  "nothing, though it says that the identity has come further": (known) => ({
    ...known,
    identity: known.identity && {
      ...known.identity,
      keystone: { ...known.identity.keystone, n: known.identity.keystone.n + 5 },
    },
  }),
  "nothing, though it says that another frame of the identity is in its place": (known) => ({
    ...known,
    identity: known.identity && {
      ...known.identity,
      keystone: { ...known.identity.keystone, tip: `keystone.identity^${"F".repeat(64)}` as Address },
    },
  }),
  "a frame of the identity that nobody has signed in the place of its own": (known) => ({
    ...known,
    identity: known.identity && {
      ...known.identity,
      keystone: { ...known.identity.keystone, tip: decodeText(forged(known, 0)).address },
    },
    newer: { ...known.newer, identityFrames: [forged(known, 0)] },
  }),
  "frames of the identity that nobody has signed": (known) => ({
    ...known,
    newer: { ...known.newer, identityFrames: [forged(known)] },
  }),
};

/** The frame behind the identity's newest one, or one in its place, as somebody without its keys can make it. */
function forged({ identity }: SenderKnown, later = 1): RecordText {
  const { tjp, tip, n, pools } = identity!.keystone;
  const solution = { index: 9, publicKey: "cd".repeat(32), signature: "00".repeat(64) };
  const claim = { verb: "delegate", target: `keystone.lane^${"E".repeat(64)}` };
  return toText(
    sealRecord({
      ib: "keystone.identity",
      rel8ns: { past: [tip], tjp: [tjp] },
      data: {
        n: n + later,
        pools: JSON.parse(JSON.stringify(pools)),
        proofs: [{ claim, pool: "delegate", solutions: [solution] }],
      },
    }),
  );
}

test.each(Object.entries(laneFrames))(
  "%s: nothing is signed, and nothing is kept (threats 3, 14)",
  async (name, about) => {
    const { world, home, connect } = await copied(name);
    const before = await contentsOf(home.space);
    lie.about = about;
    for (let again = 0; again < 3; again++) expect(await connect(home)).toBe("receiver_unproved");
    expect(await contentsOf(home.space)).toEqual(before);
    lie.about = (known) => known;
    expect(await connect(home)).toBe("none");
    await world.close();
  },
);

test("what was shown once has one lane spent, however often it is shown (threats 3, 14)", async () => {
  const { world, copy, connect, open } = await copied("once");
  let shown: SenderKnown | undefined;
  lie.about = (known) => {
    if (known.lane) shown ??= known;
    return known;
  };
  const restored = await open(copy);
  expect(await connect(restored)).toBe("none");
  expect(shown?.newer.identityFrames).toHaveLength(1);
  const lanes = async () => (await copy.cells("journal/keystone.lane")).length;
  expect(await lanes()).toBe(2);

  const before = await contentsOf(copy);
  lie.about = (known) => ({ ...known, lane: shown!.lane, newer: shown!.newer });
  for (let again = 0; again < 3; again++) expect(await connect(restored)).not.toBe("none");
  expect(await contentsOf(copy)).toEqual(before);

  // The frames of the identity are here by now: to show them again changes nothing.
  lie.about = (known) => ({ ...known, newer: shown!.newer });
  expect(await connect(restored)).toBe("none");
  expect(await lanes()).toBe(2);
  await world.close();
});

test("an old frame of the lane under a higher number has no lane spent (threats 3, 14)", async () => {
  const { world, home, connect } = await copied("old frame");
  let old: SenderKnown["lane"];
  lie.about = (known) => {
    old ??= known.lane;
    return known;
  };
  expect(await connect(home)).toBe("none");
  const before = await contentsOf(home.space);
  lie.about = (known) => ({ ...known, lane: old });
  lie.standing = (standing) => (standing.tip === old?.newest.address ? { ...standing, n: 99 } : standing);
  for (let again = 0; again < 3; again++) expect(await connect(home)).toBe("receiver_unproved");
  expect(await contentsOf(home.space)).toEqual(before);
  await world.close();
});

test("a lane that two homes have signed with is spent, whichever of them came further (threats 13, 14)", () =>
  signsTwice(async () => {
    const { world, home, copy, connect, open } = await copied("forked lane");
    const restored = await open(copy);
    expect(await connect(restored)).toBe("none");
    const second = await open(await copyOf(copy, home.address));
    const lanes = async () => (await copy.cells("journal/keystone.lane")).length;
    expect(await lanes()).toBe(2);

    const lost: TapRule = ({ message }) => [nameOf(message) === "connect" ? "{}" : message];
    for (let again = 0; again < 2; again++) expect(await connect(restored, lost)).not.toBe("none");
    expect(await connect(second)).toBe("none");
    expect(await connect(restored)).toBe("none");
    expect(await lanes()).toBe(3);
    await world.close();
  }));

test("a home that has taken newer frames, and has not signed since, is in order", async () => {
  const { world, home, copy, connect, open } = await copied("not signed since");
  await delegate(home, "b");
  expect(await connect(home)).toBe("none");
  let challenges = 0;
  const once: TapRule = ({ message }) => [
    nameOf(message) === "challenge" && challenges++ > 0 ? "{}" : message,
  ];
  expect(await connect(await open(copy), once)).toBe("malformed_message");
  expect(challenges).toBe(2);
  const problems: unknown[] = [];
  for await (const found of verifySpace(copy)) if (found.kind === "problem") problems.push(found.problem);
  expect(problems).toEqual([]);
  await world.close();
});

test("an identity that has forked signs no more, and is told so (threat 13)", () =>
  signsTwice(async () => {
    const { world, home, copy, connect, open } = await copied("forked");
    const restored = await open(copy);
    await delegate(restored, "b");
    expect(await connect(restored)).toBe("duplicity");
    const before = await contentsOf(copy);
    for (let again = 0; again < 2; again++) expect(await connect(restored)).toBe("duplicity");
    await delegate(home, "c");
    expect(await connect(home)).toBe("none");
    expect(await connect(restored)).toBe("duplicity");
    expect(await contentsOf(copy)).toEqual(before);
    await world.close();
  }));

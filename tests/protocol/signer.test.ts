import { expect, test } from "vitest";
import { toHex } from "../../src/base/index.js";
import type { IbGib } from "../../src/ibgib/index.js";
import { decodeUnsigned, frameDigest } from "../../src/keystone/index.js";
import { createIdentity, createSender, type Identity, openIdentity } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { Peer } from "../../src/testing/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { followedAt } from "../lanes.js";
import { ledger } from "../one-time/ledger.js";
import { codeOf, delays, type Lab, openLab, spaceWith } from "./lab.js";

/** An identity on `space`, as two processes of one home have it: each with a signer of its own. */
async function twoProcesses({ platform }: Lab, space: Space): Promise<readonly [Identity, Identity]> {
  const secret = platform.random.bytes(32);
  const recoverySecret = platform.random.bytes(32);
  const one = await createIdentity({ space, secret, recoverySecret, platform });
  return [one, await openIdentity({ space, secret })];
}

function senderOf({ world, platform }: Lab, identity: Identity) {
  return createSender({ identity, dial: world.dial, audience: world.audience, platform });
}

/** The frames of the one lane of these identities, at home, and how far the receiver has followed it. */
async function laneOf({ world }: Lab, identity: Identity) {
  const connected = world.receiver.events.findLast((event) => event.kind === "connected");
  const { signer } = internalsOf(identity);
  const frames = await signer.framesAfter(await signer.load(connected!.lane, "lane"), -1);
  return { frames, followed: await followedAt(world.receiver.space, connected!.lane) };
}

const numberOf = ({ data }: IbGib) => (data && "n" in data ? data["n"] : undefined);

test("a hundred calls of four senders in two processes make one unbroken lane (threat 5)", async () => {
  const lab = await openLab("a hundred calls");
  const wait = delays("waits", 3);
  const identities = await twoProcesses(lab, spaceWith(new InnerSpace(), { before: wait, after: wait }));
  const peer = new Peer("alice", identities[0], lab.platform);
  const stones = await Promise.all(
    Array.from({ length: 48 }, (_, i) => peer.stone("stone", { data: { i } })),
  );
  const first = senderOf(lab, identities[0]);
  await first.connect();
  await first.disconnect();

  const calls = [0, 1, 2, 3].map(async (at) => {
    const sender = senderOf(lab, identities[at % 2]!);
    for (let round = 0; round < 12; round++) {
      const stone = stones[12 * at + round]!;
      await Promise.all([sender.connect(), sender.sync([stone])]);
      await sender.disconnect();
    }
  });
  await Promise.all(calls);

  const { frames: lane, followed } = await laneOf(lab, identities[0]);
  expect(lane.map(numberOf)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  expect(followed).toEqual({ newest: lane.at(-1), n: 49, unused: [] });
  expect(new Set(lane.map(({ address }) => address)).size).toBe(50);
  for (const [n, frame] of lane.entries())
    if (n > 0) expect(frame.rel8ns?.["past"]).toEqual([lane[n - 1]!.address]);
  expect(await lab.world.receiver.space.hasMany(stones)).toEqual(stones.map(() => true));
  await lab.world.close();
});

test("after a crash between reserving and signing, exactly the reserved frame is signed (threat 5)", async () => {
  const lab = await openLab("a crash");
  const inner = new InnerSpace();
  let crashes = false;
  const space = spaceWith(inner, {
    after(method) {
      if (!crashes || method !== "commit") return;
      crashes = false;
      throw new Error("the process is gone");
    },
  });
  const [, ...[identity]] = await twoProcesses(lab, space);
  await connectOnce(lab, identity!);

  crashes = true;
  expect(await codeOf(connectOnce(lab, identity!))).toBe("internal");
  const reserved = (await inner.cells("journal/")).map(({ value }) => decodeUnsigned(value));
  const vouch = reserved.find(({ ib }) => ib.endsWith("lane"))!;
  const digest = toHex(frameDigest(vouch));
  const signed = () => ledger().timesSigned(digest);
  expect(signed()).toBe(0);

  await connectOnce(lab, identity!);
  const { frames: lane, followed } = await laneOf(lab, identity!);
  expect(lane.map(numberOf)).toEqual([0, 1, 2, 3]);
  expect(withoutSignatures(lane[2]!)).toEqual(vouch.data);
  expect(followed).toMatchObject({ n: 3, unused: [2] });
  expect(signed()).toBeGreaterThan(0);
  await lab.world.close();
});

async function connectOnce(lab: Lab, identity: Identity): Promise<void> {
  const sender = senderOf(lab, identity);
  try {
    await sender.connect();
  } finally {
    await sender.disconnect();
  }
}

function withoutSignatures({ data }: IbGib): unknown {
  return JSON.parse(JSON.stringify(data).replaceAll(/"signature":"[0-9a-f]*"/g, '"signature":""'));
}

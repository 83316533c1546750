import { expect, test } from "vitest";
import { hkdfSha256, toHex, utf8 } from "../../src/base/index.js";
import { createTimeline } from "../../src/ibgib/index.js";
import { attestKeyOf, startSenderSession } from "../../src/keystone/index.js";
import {
  createIdentity,
  createSender,
  evidenceFor,
  expelIdentity,
  type Identity,
  openIdentity,
  type PeerEvent,
  saveRecords,
} from "../../src/peer/index.js";
import { readEvidence } from "../../src/saga/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { copyOf } from "../protocol/copies.js";
import { codeOf, openLab } from "../protocol/lab.js";

/** What is not promised: it waits for the recovery of an identity. */
test("a thief with a copy of a home speaks as its owner, who is told, until the identity is expelled", async () => {
  const { platform, world } = await openLab("a thief");
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const owner = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  const told: PeerEvent[] = [];
  const connect = async (identity: Identity) => {
    const { dial, audience } = world;
    const onEvent = (event: PeerEvent) => event.kind === "behind" && told.push(event);
    const sender = createSender({ identity, dial, audience, platform, access: "open", onEvent });
    const code = await codeOf(sender.connect());
    await sender.disconnect();
    return code;
  };
  expect(await connect(owner)).toBe("none");
  const space = await copyOf(owner.space, owner.address);
  const thief = await openIdentity({ space, secret, platform, signUnconfirmed: true });
  expect(await connect(thief)).toBe("none");

  expect(told).toEqual([]);
  for (let again = 0; again < 2; again++) expect(await connect(owner)).toBe("none");
  const receiver = world.receiver.address;
  expect(told).toEqual([{ kind: "behind", receiver, frames: 0, isLaneSpent: true }]);
  expect(await connect(thief)).toBe("none");
  // Two that take turns do not use up lanes.
  const lanes = async () => (await world.receiver.space.cells("lane/")).length;
  const before = await lanes();
  for (const identity of [owner, thief, owner, thief]) expect(await connect(identity)).toBe("none");
  expect(await lanes()).toBe(before);

  await expelIdentity(world.receiver.identity, owner.address);
  for (const identity of [thief, owner]) expect(await connect(identity)).not.toBe("none");
  await world.close();
});

test("who has the secret of a device, and the first frames of its sessions, has no key of those sessions", async () => {
  const { platform, world } = await openLab("old sessions");
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const owner = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  const note = createTimeline({ ib: "note", owner: owner.address, uuid: "1" });
  await saveRecords(owner, [note]);
  const { dial, audience } = world;
  const sender = createSender({ identity: owner, dial, audience, platform });
  await sender.sync([note.address]);
  await sender.disconnect();
  const evidence = await evidenceFor(owner.space, [note.address]);
  const { records } = readEvidence(evidence);
  const first = records.find(({ ib }) => ib === "keystone.session")!;
  const { keystone, details } = startSenderSession(first);
  const keyOf = (secrets: Uint8Array) => toHex(attestKeyOf(keystone, () => secrets).publicKey);
  const guesses = [secret, hkdfSha256(secret, keystone.nonce, utf8("keysaga/session-secret/1"), 32)];
  for (const guess of guesses) expect(keyOf(guess)).not.toBe(details.attestKey);
  await world.close();
});

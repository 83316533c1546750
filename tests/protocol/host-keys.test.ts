/** What a receiver's host key has signed, and what becomes of it once the receiver's identity retires that key. */
import { expect, test } from "vitest";
import { ed25519PublicKey, toHex } from "../../src/base/index.js";
import { type Address, toText } from "../../src/ibgib/index.js";
import { attestKeyOf, foundReceiverSession, signList, startReplay } from "../../src/keystone/index.js";
import { evidenceFor } from "../../src/peer/rights/attestations.js";
import { placesOf } from "../../src/saga/attestation.js";
import { signAsHost } from "../../src/saga/handshake.js";
import { checkAttested, type Evidence } from "../../src/saga/index.js";
import { listRoot } from "../../src/saga/turn.js";
import { InnerSpace, verifySpace } from "../../src/index.js";
import { bytesOf } from "../keystone/keystones.js";
import { newNotes, Person } from "../saga/commits.js";
import { take } from "./evidence.js";
import { codeOf } from "./lab.js";

const hostSeed = bytesOf(7);
const hostKey = toHex(ed25519PublicKey(hostSeed));
const newKey = toHex(ed25519PublicKey(bytesOf(8)));
const _nobody = { holder: "nobody^gib" as Address, sight: { holders: [] } };

/** A receiver, which retires its host key in the end. */
function receiver() {
  const bob = new Person("bob");
  const { identity } = bob;
  const early = identity.add({ verb: "delegate", target: newKey, details: { hostKeys: [newKey] } });
  const both = { hostKeys: [newKey, hostKey] };
  const certificate = identity.add({ verb: "delegate", target: hostKey, details: both });
  const before = identity.frames.map(toText);
  const retired = identity.add({ verb: "revoke", target: hostKey, details: { hostKeys: [newKey] } });
  return { bob, before, now: identity.frames.map(toText), certificate, early, retired };
}

/** A frame that bob's home made, as a session that his host key has signed attests it. */
function attestedBy(bob: Person, certifiedBy: Address, number = 0): { frame: Address; evidence: Evidence[] } {
  const session = `keystone.session^${"A".repeat(64)}` as Address;
  const names = { sender: new Person("alice").address, session, receiver: bob.address };
  const r0 = foundReceiverSession(bytesOf(20 + number), names, bob.secretFor);
  const { entry } = newNotes(bob, `note ${number}`);
  const list = { session: r0.address, saga: "00".repeat(16), count: 1, root: listRoot([entry]) };
  const signature = signList("receiverHeads", list, attestKeyOf(startReplay(r0, "session"), bob.secretFor));
  const { root: _, ...signed } = list;
  const host = { key: hostKey, certifiedBy, signature: signAsHost(hostSeed, certifiedBy, r0.address) };
  return {
    frame: entry.frame,
    evidence: [
      toText(r0),
      { session: r0.address, host },
      { ...signed, signature, frames: [...placesOf([entry])] },
    ],
  };
}

test("stays proved, whenever a reader learns that the key is retired (A18, C14)", async () => {
  const { bob, before, now, certificate } = receiver();
  const [one, two] = [0, 1].map((number) => attestedBy(bob, certificate.address, number));
  const proved = (frames: readonly Evidence[]) =>
    checkAttested([...frames, ...one!.evidence]).map(({ identity, frame }) => ({ identity, frame }));
  expect(proved(before)).toEqual([{ identity: bob.address, frame: one!.frame }]);
  expect(proved(now)).toEqual(proved(before));

  const [early, late, between] = [new InnerSpace(), new InnerSpace(), new InnerSpace()];
  await take(early, [...before, ...one!.evidence]);
  await take(early, [...now.slice(before.length), ...two!.evidence]); // with the frame that retires it
  await take(late, [...now, ...one!.evidence]);
  await take(late, two!.evidence); // by what is stored of the identity
  await take(between, [...before, ...one!.evidence]);
  await take(between, two!.evidence);
  for (const space of [early, late, between]) {
    expect(checkAttested(await evidenceFor(space, [one!.frame, two!.frame]))).toHaveLength(2);
    for await (const each of verifySpace(space)) expect(each.kind).not.toBe("problem");
  }
});

test("proves nothing by any other frame as its certificate (threat 2)", async () => {
  const { bob, now, early, retired } = receiver();
  const eve = new Person("eve");
  const eves = eve.identity.add({ verb: "delegate", target: hostKey, details: { hostKeys: [hostKey] } });
  const lane = bob.laneTo(eve);
  const others = {
    early,
    retired,
    eves,
    delegation: bob.identity.frames.at(-1)!,
    genesis: bob.identity.genesis,
    lane: lane.genesis,
  };
  const space = new InnerSpace();
  await take(space, [...now, ...attestedBy(bob, receiver().certificate.address).evidence]);
  for (const [name, { address }] of Object.entries(others)) {
    const { evidence } = attestedBy(bob, address, 1);
    const all = [...bob.identity.frames.map(toText), ...evidence];
    expect(await codeOf(Promise.resolve().then(() => checkAttested(all))), name).toBe("attestation_refused");
    expect(await codeOf(take(space, all)), name).toBe("attestation_refused");
  }
});

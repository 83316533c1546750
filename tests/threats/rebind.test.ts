import { expect, test } from "vitest";
import { createReceiver, createSender } from "../../src/peer/index.js";
import type { SenderPeer, TapRule } from "../../src/testing/index.js";
import { tapDial } from "../../src/testing/index.js";
import { createInnerspace, type Message } from "../../src/transport/index.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, type Lab, openLab } from "../protocol/lab.js";
import { newIdentity } from "../protocol/parties.js";

/** A sender of alice to whoever `dial` reaches at the origin where bob is known. */
function senderTo({ world, platform }: Lab, to: Pick<Receiving, "dial" | "address">, rule?: TapRule) {
  const [alice] = world.senders as [SenderPeer];
  const { dial, said } = tapDial(to.dial, rule);
  const { identity } = alice;
  const pin = to.address;
  const sender = createSender({ identity, dial, audience: world.audience, pin, access: "open", platform });
  return { sender, said };
}

type Receiving = Awaited<ReturnType<typeof daveInPlaceOfBob>>;

/** Another receiver that answers at the origin where bob did. */
async function daveInPlaceOfBob(lab: Lab) {
  const { platform, world } = lab;
  const identity = await newIdentity(lab);
  const options = { identity, audiences: [world.audience], admission: { kind: "open" }, platform } as const;
  const receiver = await createReceiver({ ...options, access: "open" });
  const { listen, dial } = createInnerspace(platform);
  listen((connection) => receiver.accept(connection));
  return { dial, address: identity.address };
}

test("a receipt of the receiver that answered at an origin before says nothing of the one that does now (threat 2)", async () => {
  const lab = await openLab("rebind");
  const [alice] = lab.world.senders as [SenderPeer];
  const note = await alice.timeline("note");
  const bob = { dial: lab.world.dial, address: lab.world.receiver.address };
  const first = senderTo(lab, bob);
  await first.sender.sync([note]);
  await first.sender.disconnect();
  const receipt = first.said.findLast(({ message }) => nameOf(message) === "receipt")?.message as Message;

  const dave = await daveInPlaceOfBob(lab);
  const unpinned = createSender({
    identity: alice.identity,
    dial: dave.dial,
    audience: lab.world.audience,
    platform: lab.platform,
  });
  expect(await codeOf(unpinned.sync([note]))).toBe("receiver_changed");
  await unpinned.disconnect();

  const edit = await alice.edit(note, { text: "for dave" });
  const kept = await alice.space.cells("receipt/");
  const old: TapRule = ({ message }) => (nameOf(message) === "receipt" ? [receipt] : [message]);
  const lied = senderTo(lab, dave, old);
  expect(await codeOf(lied.sender.sync([note]))).not.toBe("none");
  await lied.sender.disconnect();
  expect(await lied.sender.status(edit.address)).toBe("sent");
  expect(await first.sender.status(note)).toBe("durable");
  expect(await alice.space.cells("receipt/")).toEqual(kept);

  const honest = senderTo(lab, dave);
  await honest.sender.sync([note]);
  await honest.sender.disconnect();
  expect(await honest.sender.status(edit.address)).toBe("durable");
  expect(await first.sender.status(edit.address)).toBe("local"); // bob has the first frame, and not this one
  await lab.world.close();
});

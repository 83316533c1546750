import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createSender } from "../../src/peer/index.js";
import type { SenderPeer } from "../../src/testing/index.js";
import { tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, contentsOf, openLab } from "../protocol/lab.js";

const attempts = 40;

describe("a receiver that demands and drops, again and again (threat 17)", () => {
  test("spends nothing of a sender before it has proved who it is", async () => {
    const lab = await openLab("griefing");
    const [alice] = lab.world.senders as [SenderPeer];
    // Eve passes on whatever bob says, but for one letter of each challenge.
    const { dial, said } = tapDial(lab.world.dial, ({ message }) =>
      nameOf(message) === "challenge"
        ? [String(message).replace(/"nonce\\":\\"./, '"nonce\\":\\"g')]
        : [message],
    );
    const before = await contentsOf(alice.space);
    const { identity } = alice;
    const sender = createSender({ identity, dial, audience: lab.world.audience, platform: lab.platform });
    for (let attempt = 0; attempt < attempts; attempt++)
      expect(await codeOf(sender.connect())).not.toBe("none");
    expect(said.map(({ message }) => nameOf(message))).not.toContain("connect");
    expect(await contentsOf(alice.space)).toEqual(before);
    await lab.world.close();
  });

  test("spends one frame of its own lane a time once it has, and nothing that has an end", async () => {
    const lab = await openLab("griefing by a known one", { senders: ["alice", "carol"] });
    const [alice] = lab.world.senders as [SenderPeer];
    const note = await alice.timeline("note");
    await alice.sync(note);
    let isDropping = true;
    const { dial } = tapDial(lab.world.dial, ({ to, message }) =>
      isDropping && to === "sender" && nameOf(message) === "ready" ? ["no message"] : [message],
    );
    const { identity } = alice;
    const { audience } = lab.world;
    const { platform } = lab;
    const sender = createSender({ identity, dial, audience, access: "open", platform });
    const identityN = async () =>
      (await internalsOf(identity).signer.load(identity.address, "identity")).state.n;
    const before = await identityN();
    for (let attempt = 0; attempt < attempts; attempt++)
      expect(await codeOf(sender.connect())).not.toBe("none");
    expect(await identityN()).toBe(before);
    isDropping = false;
    await sender.sync([note]);
    await sender.disconnect();
    await lab.world.close();
  });
});

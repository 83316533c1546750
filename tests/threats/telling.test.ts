import { describe, expect, test } from "vitest";
import { ChallengeBody } from "../../src/saga/messages.js";
import type { SenderPeer } from "../../src/testing/index.js";
import { tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { codeOf, openLab, tapped } from "../protocol/lab.js";
import { stranger } from "../protocol/parties.js";
import { eventually } from "../waiting.js";

describe("who is known here is told to nobody who does not know it already (threat 20)", () => {
  test("a stranger who names an identity hears the same, message by message, whether it is known or not", async () => {
    const lab = await openLab("telling", { senders: ["alice", "eve"] });
    const [alice, eve] = lab.world.senders as [SenderPeer, SenderPeer];
    // Eve knows alice's address. She says what she would say for herself, with that in it.
    const overheard = tapDial(lab.world.dial, ({ message }) =>
      nameOf(message) === "connect" ? [] : [message],
    );
    const identity = { keystone: alice.address, tip: alice.address, n: 0 };
    const open = { ...(await firstOpen(lab, eve, overheard)), identity };
    const unknown = await answersTo(lab, open);
    await alice.sync(await alice.timeline("note"));
    const known = await answersTo(lab, open);
    expect(known).toEqual(unknown);
    expect(known.at(-1)).toBe('{"type":"error","code":"auth_fail"}');
    await lab.world.close();
  });

  async function firstOpen(
    lab: Awaited<ReturnType<typeof openLab>>,
    who: SenderPeer,
    { dial, said }: ReturnType<typeof tapDial>,
  ): Promise<object> {
    const { sender } = tapped({ ...lab, world: { ...lab.world, dial } }, who);
    const outcome = codeOf(sender.connect());
    await eventually(() => said.some(({ message }) => nameOf(message) === "connect"));
    await sender.disconnect();
    await outcome;
    return JSON.parse(String(said.find(({ message }) => nameOf(message) === "open")?.message));
  }

  /** What is heard after `open`, and after a proof that is none: all of it but what is random. */
  async function answersTo(
    lab: Awaited<ReturnType<typeof openLab>>,
    open: object,
  ): Promise<readonly string[]> {
    const eve = await stranger(lab.world.dial);
    eve.say(open);
    await eventually(() => eve.heard.length === 2);
    eve.say({
      type: "connect",
      identityFrames: [],
      laneFrames: [],
      proof: { lane: none, voucher: "00".repeat(64), frame: none },
    });
    await eventually(eve.isOver);
    const [, challenge = "", ...rest] = eve.heard;
    const body = ChallengeBody.parse(JSON.parse(JSON.parse(challenge).body));
    const { identityTip, laneTip, demanded } = body;
    const shape = {
      identityTip,
      laneTip,
      demanded: demanded.length,
      members: Object.keys(body),
    };
    return [JSON.stringify(shape), ...rest];
  }

  const none = ["none", "0".repeat(64), "", ""];
});

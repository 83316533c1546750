/** What a chain has come to is a row: work that rests on an identity does not grow with how many frames of it are stored. */
import { expect, test } from "vitest";
import { loadSenderStanding } from "../../src/peer/sender/sender-store.js";
import { systemPlatform } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type Peer, type SenderPeer } from "../../src/testing/index.js";
import { signOften } from "../scenarios/turns.js";

/** Of a space: how many keystone frames were read, and how often anything was asked. */
interface Reads {
  frames: number;
  calls: number;
}

function counted(inner: Space, reads: Reads): Space {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "proof" && name !== "proofs" && name !== "cell" && name !== "cells")
        return value.bind(target);
      return async (...args: unknown[]) => {
        const found: unknown = await Reflect.apply(value, target, args);
        reads.calls++;
        if (name === "proofs") reads.frames += (found as readonly unknown[]).length;
        if (name === "proof") reads.frames += 1;
        return found;
      };
    },
  });
}

/**
 * What is read where alice edits a note that carol may read, and whose chains all sides know, with so many frames of the
 * identities of all three: by the receiver in a connection of each, and by the others in a second saga of theirs.
 */
async function readsOf(frames: number) {
  const reads: Reads[] = [];
  const world = await createWorld({
    seed: "chains",
    senders: ["alice", "carol"],
    space: () => {
      reads.push({ frames: 0, calls: 0 });
      return counted(new InnerSpace(), reads.at(-1)!);
    },
    earlier: (receiver: Peer) => signOften(receiver, frames),
  });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const [ofReceiver, ofAlice, ofCarol] = reads as [Reads, Reads, Reads];
  const forget = () => {
    for (const each of reads) Object.assign(each, { frames: 0, calls: 0 });
  };
  for (const peer of [alice, carol]) await signOften(peer, frames);
  const note = await alice.timeline("note");
  await alice.share(note, carol);
  const edit = async (text: string) => {
    await alice.edit(note, { text });
    await alice.sender.sync([note]);
    await carol.sender.sync([note], { direction: "pull" });
  };
  const connection = async (texts: readonly string[]) => {
    for (const text of texts) await edit(text);
    for (const { sender } of [alice, carol]) await sender.disconnect();
  };
  await connection(["1"]);
  forget();
  await connection(["2"]);
  const receiver = { ...ofReceiver };
  await edit("3");
  forget();
  await edit("4");
  const saga = [ofReceiver, ofAlice, ofCarol].map((each) => ({ ...each }));
  forget();
  await loadSenderStanding(alice.identity, world.receiver.address, systemPlatform);
  const standing = { ...ofAlice };
  await world.close();
  return { receiver, saga, standing };
}

test("a connection and a saga read as much with chains of 400 frames as of 2 (A36)", async () => {
  expect(await readsOf(400)).toEqual(await readsOf(2));
});

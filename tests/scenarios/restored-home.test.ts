/** A home that is put back from a backup goes on: nothing that was written since is lost, and no key signs twice. */
import { expect, test } from "vitest";
import { internalsOf } from "../../src/peer/home/identity.js";
import {
  createIdentity,
  createSender,
  type Identity,
  openIdentity,
  type PeerEvent,
  timesBehind,
} from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type Listening, SenderPeer, seededPlatform, tapDial } from "../../src/testing/index.js";
import { copyOf } from "../protocol/copies.js";
import { delegate } from "../protocol/delegations.js";
import { codeOf } from "../protocol/lab.js";

/** Dora, whose home can be opened anew, and receivers that let her in. */
async function opened(seed: string) {
  const world = await createWorld({ seed, senders: ["carol"], receivers: ["bob", "dave"], access: "owners" });
  const platform = seededPlatform(`${seed}, dora`);
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const told: PeerEvent[] = [];
  const peerOf = (identity: Identity, reached = world.receivers) => {
    const peer = new SenderPeer("dora", identity, platform);
    const onEvent = (event: PeerEvent) => event.kind === "behind" && told.push(event);
    for (const { name, listening } of reached)
      peer.reach(createSender({ identity, ...listening, access: "owners", platform, onEvent }), name);
    return peer;
  };
  const home = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  const open = (space: Space, options: { readonly signUnconfirmed?: boolean } = {}) =>
    openIdentity({ space, secret, platform, ...options });
  const [carol] = world.senders;
  const [bob, dave] = world.receivers;
  return { world, carol: carol!, bob: bob!, dave: dave!, told, home, open, peerOf };
}

const chainOf = async (identity: Identity) => {
  const { signer } = internalsOf(identity);
  return signer.framesAfter(await signer.load(identity.address, "identity"), -1);
};

test("what was written since comes back, what is written here goes up, and others take both (threats 5, 14)", async () => {
  const { world, carol, bob, told, home, open, peerOf } = await opened("restored");
  const before = peerOf(home, [bob]);
  const note = await before.timeline("note");
  await before.share(note, carol);
  await before.sync(note);
  const backup = await copyOf(home.space, home.address);
  await before.edit(note, { since: true });
  await before.sync(note);

  const identity = await open(backup);
  const after = peerOf(identity, [bob]);
  await after.edit(note, { here: true });
  expect((await after.sync(note)).left).toEqual([]);
  expect((await after.tip(note)).data).toMatchObject({ since: true, here: true });
  expect(await bob.tip(note)).toEqual(await after.tip(note));
  expect(told).toEqual([{ kind: "behind", receiver: bob.address, frames: 0, isLaneSpent: true }]);
  expect(await timesBehind(backup)).toBe(1);

  expect((await carol.sync(note)).left).toEqual([]);
  expect(await carol.tip(note)).toEqual(await after.tip(note));
  await after.sync(note);
  expect(told).toHaveLength(1);
  expect(identity.address).toBe(home.address);
  await world.close();
});

test("frames of the identity that it has signed since are taken over, from whoever shows them", async () => {
  const { world, bob, dave, told, home, open, peerOf } = await opened("identity behind");
  const before = peerOf(home);
  const note = await before.timeline("note");
  await before.sync(note, { at: "bob" });
  const backup = await copyOf(home.space, home.address);
  await before.sync(note, { at: "dave" });
  await before.sync(note, { at: "bob" });
  const chain = await chainOf(home);

  // Bob shows that somebody was met since, and cannot say who: dave can, once he is asked.
  const identity = await open(backup);
  const after = peerOf(identity);
  expect(await codeOf(after.sync(note, { at: "bob" }))).toBe("restored_backup");
  expect(await chainOf(identity)).toEqual(chain);
  expect(await codeOf(after.sync(note, { at: "dave" }))).toBe("restored_backup");
  expect(told).toEqual([{ kind: "behind", receiver: bob.address, frames: 1, isLaneSpent: true }]);
  expect(await chainOf(identity)).toEqual(chain);

  // Somebody who knows that nobody else was met says so.
  const answered = peerOf(await open(backup, { signUnconfirmed: true }));
  for (const at of [bob, dave, bob]) expect((await answered.sync(note, { at: at.name })).left).toEqual([]);
  await world.close();
});

test("of several receivers it needs the word of each, and then goes on with all", async () => {
  const { world, told, home, open, peerOf } = await opened("two receivers");
  const before = peerOf(home);
  const note = await before.timeline("note");
  for (const at of ["bob", "dave"]) await before.sync(note, { at });
  const backup = await copyOf(home.space, home.address);
  for (const at of ["bob", "dave"]) await before.sync(note, { at });

  const after = peerOf(await open(backup));
  expect(await codeOf(after.sync(note, { at: "bob" }))).toBe("restored_backup");
  for (const at of ["dave", "bob", "dave"]) expect((await after.sync(note, { at })).left).toEqual([]);
  expect(told).toHaveLength(2);
  await world.close();
});

test("what it was shown is durable before anything is signed, and a process that dies there changes nothing (threat 5)", async () => {
  const { world, bob, home, open, peerOf } = await opened("cut off");
  await peerOf(home, [bob]).sender.connect();
  const backup = await copyOf(home.space, home.address);
  await peerOf(home, [bob]).sender.connect();

  let opens = 0;
  const { dial } = tapDial(bob.listening.dial, ({ to, message }) => {
    if (to === "receiver" && String(message).startsWith('{"type":"open"')) opens++;
    return opens > 1 ? [JSON.stringify({ type: "error", code: "shutting_down" })] : [message];
  });
  const cut: Listening = { ...bob.listening, dial };
  const first = await open(backup);
  const sender = createSender({ identity: first, ...cut });
  expect(await codeOf(sender.connect())).not.toBe("none");
  await sender.disconnect();
  expect(await chainOf(first)).toEqual(await chainOf(home));

  const second = await open(backup);
  expect(await codeOf(delegate(second, "a"))).toBe("restored_backup");
  expect(await codeOf(peerOf(second, [bob]).sender.connect())).toBe("none");
  expect(await codeOf(delegate(second, "a"))).toBe("none");
  await world.close();
});

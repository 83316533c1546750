import { expect, test } from "vitest";
import {
  type Address,
  createIdentity,
  createInnerspace,
  createReceiver,
  createSender,
  createTimeline,
  type Dial,
  type Identity,
  InnerSpace,
  saveRecords,
  systemPlatform,
  verifySpace,
} from "../../src/index.js";

const random = () => systemPlatform.random.bytes(32);
const newIdentity = () =>
  createIdentity({ space: new InnerSpace(), secret: random(), recoverySecret: random() });

/** Runs a receiver for `identity`. */
async function receiving(identity: Identity): Promise<Dial> {
  const { listen, dial } = createInnerspace({ timers: systemPlatform.timers });
  const receiver = await createReceiver({ identity, audiences: ["memory:"], admission: { kind: "open" } });
  listen((connection) => receiver.accept(connection));
  return dial;
}

async function push(identity: Identity, dial: Dial, name: string): Promise<Address> {
  const note = createTimeline({ ib: "note", owner: identity.address, uuid: name });
  await saveRecords(identity, [note]);
  const sender = createSender({ identity, dial, audience: "memory:" });
  await sender.sync([note.address]);
  await sender.disconnect();
  return note.address;
}

test("two who each run a receiver sync with each other, whoever has dialled first", async () => {
  const [alice, bob] = [await newIdentity(), await newIdentity()];
  const [atAlice, atBob] = [await receiving(alice), await receiving(bob)];
  for (const round of ["first", "second"]) {
    expect(await bob.space.tip(await push(alice, atBob, round))).toBeDefined();
    expect(await alice.space.tip(await push(bob, atAlice, round))).toBeDefined();
  }
  for (const { space } of [alice, bob])
    for await (const found of verifySpace(space))
      expect(found).toMatchObject({ kind: "summary", problems: 0 });
});

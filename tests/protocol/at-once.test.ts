/**
 * What a user would write: several calls started together, from what they all found at that moment. Every call of every
 * store takes its time. Nothing is lost, nothing is there twice, and nobody is told of a race.
 */
import { expect, test } from "vitest";
import { followedAt } from "../lanes.js";
import { type Address, nOf } from "../../src/ibgib/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { delegate } from "./delegations.js";
import { createSender, type Identity, openIdentity, share } from "../../src/peer/index.js";
import type { SenderPeer } from "../../src/testing/index.js";
import { codeOf, delays, expectQuiet, type Lab, openLab, spaceWith } from "./lab.js";

/** Small worlds, each with delays of its own; more by KEYSAGA_RUNS. */
const runs = Number(process.env["KEYSAGA_RUNS"] ?? 12);
const everybody = "keystone.identity^";

/** Calls of `identity` on a connection of their own, or on one that it has. */
function callsOf({ world, platform }: Lab, identity: Identity) {
  const open = () =>
    createSender({ identity, dial: world.dial, audience: world.audience, access: "open", platform });
  return {
    open,
    async once(call: (sender: ReturnType<typeof open>) => Promise<unknown>): Promise<string> {
      const sender = open();
      const code = await codeOf(call(sender));
      await sender.disconnect();
      return code;
    },
  };
}

/** The lane at the receiver and the identity at home: unbroken, and as long as what was done. */
async function expectChains(
  { world }: Lab,
  { identity }: SenderPeer,
  done: { readonly delegations: number },
): Promise<void> {
  const { address } = identity;
  const { signer } = internalsOf(identity);
  const own = await signer.framesAfter(await signer.load(address, "identity"), -1);
  expect(own.map(nOf)).toEqual(Array.from({ length: 2 + done.delegations }, (_, n) => n));
  const lanes = await world.receiver.space.cells("lane/");
  expect(lanes).toHaveLength(1);
  const lane = lanes[0]!.key.slice("lane/".length) as Address;
  const frames = await signer.framesAfter(await signer.load(lane, "lane"), -1);
  expect(frames.map(nOf)).toEqual(frames.map((_, n) => n));
  expect((await followedAt(world.receiver.space, lane)).newest.address).toBe(frames.at(-1)?.address);
}

test(`two calls in a Promise.all, and what else may start with them, ${runs} times (threat 5)`, async () => {
  for (let run = 0; run < runs; run++) {
    const wait = delays(`at once ${run}`, 2);
    const lab = await openLab(`at once ${run}`, {
      around: (space) => spaceWith(space, { before: wait, after: wait }),
    });
    const alice = lab.world.senders[0]!;
    const { space, address } = alice.identity;
    const { secretFor } = internalsOf(alice.identity);
    const other = await openIdentity({ space, secret: secretFor("vouch"), platform: lab.platform });
    const [one, two, three, four] = await Promise.all(
      ["one", "two", "three", "four"].map((name) => alice.timeline(name)),
    );
    const here = callsOf(lab, alice.identity);
    const there = callsOf(lab, other);
    const sender = here.open();
    const somebody = (letter: string) => `${everybody}${letter.repeat(64)}` as Address;
    const codes = await Promise.all([
      codeOf(sender.sync([one!])),
      codeOf(sender.sync([two!])),
      codeOf(sender.connect()),
      codeOf(delegate(alice.identity, "b")),
      codeOf(delegate(other, "c")),
      codeOf(share(alice.identity, { timeline: one!, with: somebody("B"), access: "read" }, lab.platform)),
      codeOf(share(other, { timeline: one!, with: somebody("C"), access: "read" }, lab.platform)),
      here.once((own) => own.sync([three!])),
      there.once((own) => own.sync([four!])),
      there.once((own) => own.connect()),
    ]);
    expect(codes, `run ${run}`).toEqual(codes.map(() => "none"));
    await sender.disconnect();
    const roots = [one!, two!, three!, four!];
    expect(await lab.world.receiver.space.hasMany(roots)).toEqual(roots.map(() => true));
    await expectChains(lab, alice, { delegations: 2 });
    expect(await space.cells("list-identity/")).toHaveLength(2);
    expect(lab.world.answering.sessionCount).toBe(0);
    expect(address).toBe(other.address);
    await expectQuiet(lab);
    await lab.world.close();
  }
});

test("a hundred calls of one sender at once are done in the order asked", async () => {
  const wait = delays("a hundred", 1);
  const lab = await openLab("a hundred", { around: (space) => spaceWith(space, { before: wait }) });
  const alice = lab.world.senders[0]!;
  const note = await alice.timeline("note");
  const stones = await Promise.all(
    Array.from({ length: 98 }, (_, i) => alice.stone("stone", { data: { i } })),
  );
  const sender = callsOf(lab, alice.identity).open();
  const order: number[] = [];
  const calls = [
    sender.connect().then(() => order.push(0)),
    ...stones.map((stone, i) => sender.sync([stone]).then(() => order.push(i + 1))),
    sender.sync([note]).then(() => order.push(99)),
  ];
  await Promise.all(calls);
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(await lab.world.receiver.space.hasMany([note, ...stones])).toEqual(Array(99).fill(true));
  await sender.disconnect();
  await expectChains(lab, alice, { delegations: 0 });
  await expectQuiet(lab);
  await lab.world.close();
});

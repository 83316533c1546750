/** Several processes of one home, on its LMDB store, with a receiver over WebSocket: nothing is lost or there twice. */
import { expect, test } from "vitest";
import { followedAt } from "../lanes.js";
import { toHex } from "../../src/base/index.js";
import { type Address, gibOf, type IbGib, nOf, parseAddress } from "../../src/ibgib/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createIdentity, openIdentity } from "../../src/peer/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { createWorld, seededPlatform } from "../../src/testing/index.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { newDirectory } from "../space/homes.js";
import { type Child, startChild } from "../space/processes/child.js";
import { patient } from "../waiting.js";

const count = Number(process.env["KEYSAGA_PROCESSES"] ?? 8);
/** Rounds of three calls that each process makes; processes that are killed. */
const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 4);
const kills = Number(process.env["KEYSAGA_KILLS"] ?? 2);

/** A home that has met nobody, a receiver, and a way to start processes of the home. */
async function home(seed: string) {
  const platform = seededPlatform(`${seed} ${process.pid}`);
  const path = newDirectory();
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const space = await openLmdbSpace({ path });
  const { address } = await createIdentity({ space, secret, recoverySecret, platform });
  const limits = { ...patient, sessionsPerIdentityMax: 1_000 };
  const network = webSocketNetwork();
  const world = await createWorld({ seed, senders: [], network, access: "open", limits });
  const args = [path, toHex(secret), world.audience];
  return {
    space,
    address,
    secret,
    world,
    start: (name: string, ...more: readonly unknown[]) =>
      startChild("processes/member.ts", ...args, name, ...more.map(String)),
    go: () =>
      space.commit({
        holder: address,
        sight: { holders: [] },
        cells: [{ key: "go", from: undefined, to: new Uint8Array(1) }],
      }),
    async close() {
      await space.close();
      await world.close();
    },
  };
}

type Home = Awaited<ReturnType<typeof home>>;

/** The addresses that a process said it is done with. */
function doneBy({ lines }: Child, what: string): readonly Address[] {
  return lines.flatMap((line) => {
    const [outcome, did, address] = line.split(" ");
    return outcome === "done" && did === what ? [parseAddress(address)] : [];
  });
}

const failuresOf = ({ lines }: Child) => lines.filter((line) => line.startsWith("failed"));

/** Frames 0, 1, 2 … of one chain, each on the one before; at least `length` of them. */
function expectChain(frames: readonly IbGib[], length: number): void {
  expect(frames.length).toBeGreaterThanOrEqual(length);
  expect(frames.map(nOf)).toEqual(frames.map((_, n) => n));
  for (const [n, frame] of frames.entries())
    if (n > 0) expect(frame.rel8ns?.["past"]).toEqual([frames[n - 1]!.address]);
}

/** What the processes said they did is there: at home, and at the receiver. */
async function expectAll({ space, address, secret, world }: Home, children: readonly Child[]): Promise<void> {
  const synced = children.flatMap((child) => doneBy(child, "sync"));
  const connected = children.flatMap((child) => doneBy(child, "connect"));
  const others = children.flatMap((child) => doneBy(child, "share"));
  expect(await world.receiver.space.hasMany(synced)).toEqual(synced.map(() => true));

  const identity = await openIdentity({ space, secret });
  const { signer } = internalsOf(identity);
  const own = await signer.framesAfter(await signer.load(address, "identity"), -1);
  expectChain(own, 2);
  const rows = await space.cells("list-identity/");
  const named = rows.map(({ key }) => key.slice(key.lastIndexOf("/") + 1));
  expect(named).toEqual(expect.arrayContaining(others.map(gibOf)));

  const lanes = await world.receiver.space.cells("lane/");
  expect(lanes).toHaveLength(1);
  const lane = parseAddress(lanes[0]!.key.slice("lane/".length));
  // Frames that were reserved by somebody who was killed have brought no session.
  const { n, unused } = await followedAt(world.receiver.space, lane);
  expect(n - unused.length).toBeGreaterThanOrEqual(synced.length + connected.length);
  expectChain(await signer.framesAfter(await signer.load(lane, "lane"), -1), n + 1);
}

test(`${count} processes that meet, sync and share at once: every call gets through`, async () => {
  const all = await home("many processes");
  const children = Array.from({ length: count }, (_, i) => all.start(`process ${i}`, rounds));
  await Promise.all(children.map((child) => child.printed(1)));
  await all.go();
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual(children.map(() => 0));
  expect(children.flatMap(failuresOf)).toEqual([]);
  for (const child of children)
    for (const what of ["sync", "connect", "share"]) expect(doneBy(child, what)).toHaveLength(rounds);
  await expectAll(all, children);
  await all.close();
});

test(`${kills} processes that are killed with something reserved: the others go on, and so does what comes after`, async () => {
  const all = await home("killed processes");
  // The first commits are one's own note, then stones, reservations and what was synced, in any order.
  const dying = Array.from({ length: kills }, (_, i) => all.start(`killed ${i}`, 1_000, 2 + 3 * i));
  const others = [all.start("other", 2 * rounds)];
  const children = [...dying, ...others];
  await Promise.all(children.map((child) => child.printed(1)));
  await all.go();
  expect(await Promise.all(dying.map(({ ended }) => ended))).toEqual(dying.map(() => undefined));
  expect(await Promise.all(others.map(({ ended }) => ended))).toEqual(others.map(() => 0));
  expect(children.flatMap(failuresOf)).toEqual([]);
  await expectAll(all, children);

  const late = all.start("late", 1);
  expect(await late.ended).toBe(0);
  expect(failuresOf(late).filter((line) => !line.endsWith("tip_unconfirmed"))).toEqual([]);
  await expectAll(all, [...children, late]);
  await all.close();
});

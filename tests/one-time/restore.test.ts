/**
 * A home that is put back from an older copy signs nothing that it has signed before: whichever of its receivers it meets
 * shows what it has seen, and the identity signs once all have been asked. That no key signs twice is checked in every test;
 * here it would be easy.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { createIdentity, createSender, type Identity, openIdentity } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { createWorld, seededPlatform, type TapRule, tapDial, type World } from "../../src/testing/index.js";
import { copyOf } from "../protocol/copies.js";
import { delegate } from "../protocol/delegations.js";
import { codeOf } from "../protocol/lab.js";
import { newDirectory } from "../space/homes.js";

/** Rounds, each with a history of its own; more by KEYSAGA_RUNS. */
const runs = Number(process.env["KEYSAGA_RUNS"] ?? 10);
const runsOnDisk = Number(process.env["KEYSAGA_RUNS"] ?? 3);

/** Where a home lies, and how it is copied. */
interface Place {
  open(): Promise<Space>;
  /** What is durable now, in a place of its own. */
  copy(space: Space, holder: Address): Promise<Place>;
}

function inMemory(space: Space = new InnerSpace()): Place {
  return { open: async () => space, copy: async (from, holder) => inMemory(await copyOf(from, holder)) };
}

function onDisk(path = newDirectory()): Place {
  return {
    open: () => openLmdbSpace({ path }),
    async copy() {
      const copy = join(newDirectory(), "store");
      await cp(path, copy, { recursive: true });
      return onDisk(copy);
    },
  };
}

type Receiver = "bob" | "dave";

async function connect(
  { receivers }: World,
  identity: Identity,
  to: Receiver,
  rule?: TapRule,
): Promise<string> {
  const { dial, audience } = receivers[to === "bob" ? 0 : 1]!.listening;
  const sender = createSender({ identity, dial: tapDial(dial, rule).dial, audience });
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  return code;
}

const delegateOnce = (identity: Identity, number: number): Promise<string> =>
  codeOf(delegate(identity, number.toString(16)));

/**
 * One home's life, then an older copy of it, which in the end meets its receivers one after another. Where the identity has
 * delegated what nobody knows, somebody answers for that.
 *
 * @returns What became of each act of the copy.
 */
async function restoreOnce(seed: string, place: Place): Promise<readonly string[]> {
  const world = await createWorld({ seed: `${seed}, the world`, receivers: ["bob", "dave"], access: "open" });
  const platform = seededPlatform(seed);
  const pick = (below: number) => platform.random.bytes(1)[0]! % below;
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const space = await place.open();
  const identity = await createIdentity({ space, secret, recoverySecret, platform });

  const met = new Set<Receiver>(["bob"]);
  expect(await connect(world, identity, "bob")).toBe("none");
  const copies: { readonly place: Place; readonly met: ReadonlySet<Receiver>; readonly acts: number }[] = [];
  const acts = 2 + pick(4);
  for (let act = 0; act < acts; act++) {
    if (act === 0 || pick(2) === 0)
      copies.push({ place: await place.copy(space, identity.address), met: new Set(met), acts: act });
    const to = pick(2) === 0 ? "bob" : "dave";
    if (pick(3) === 0) expect(await delegateOnce(identity, act)).toBe("none");
    else {
      expect(await connect(world, identity, to)).toBe("none");
      met.add(to);
    }
  }
  for (const to of met) expect(await connect(world, identity, to)).toBe("none");
  await space.close();

  const copy = copies[pick(copies.length)]!;
  const restoredSpace = await copy.place.open();
  const restored = await openIdentity({ space: restoredSpace, secret, platform });
  const outcomes: string[] = [];
  for (let turn = 0; turn < 6; turn++) {
    const to = pick(2) === 0 ? "bob" : "dave";
    const code =
      pick(3) === 0 ? await delegateOnce(restored, 100 + turn) : await connect(world, restored, to);
    outcomes.push(code);
    expect(["none", "restored_backup", "tip_unconfirmed"], `${seed}: ${outcomes.join(" ")}`).toContain(code);
  }
  for (const to of met) await connect(world, restored, to);
  const answeredFor = await openIdentity({ space: restoredSpace, secret, platform, signUnconfirmed: true });
  for (const to of met) expect(await connect(world, answeredFor, to), seed).toBe("none");
  await restoredSpace.close();
  await world.close();
  return outcomes;
}

test.each([
  ["in memory", inMemory, runs],
  ["on disk", onDisk, runsOnDisk],
] as const)(
  "a random older copy of a home %s signs nothing twice, whatever it is asked, and goes on (threats 5, 14)",
  async (name, made, rounds) => {
    const outcomes = new Set<string>();
    for (let round = 0; round < rounds; round++)
      for (const code of await restoreOnce(`restore ${name} ${round}`, made())) outcomes.add(code);
    for (const code of ["none", "restored_backup"]) expect(outcomes).toContain(code);
  },
  600_000,
);

test("the newest copy goes on where the home ended (threats 5, 14)", async () => {
  const world = await createWorld({ seed: "newest", receivers: ["bob", "dave"], access: "open" });
  const platform = seededPlatform("newest copy");
  const [secret, recoverySecret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const first = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  expect(await connect(world, first, "bob")).toBe("none");
  expect(await delegateOnce(first, 1)).toBe("none");
  const restored = await openIdentity({ space: await copyOf(first.space, first.address), secret, platform });
  expect(await delegateOnce(restored, 2)).toBe("tip_unconfirmed");
  expect(await connect(world, restored, "bob")).toBe("none");
  expect(await connect(world, restored, "dave")).toBe("none");
  expect(await delegateOnce(restored, 2)).toBe("none");
  // Now it is the first one that is behind, and nobody can say who has the lanes that were delegated meanwhile.
  expect(await connect(world, first, "bob")).toBe("restored_backup");
  await world.close();
});

test("what was signed and did not arrive is sent again as it was, byte for byte, also by the next process (threat 5)", async () => {
  const world = await createWorld({ seed: "again", receivers: ["bob", "dave"], access: "open" });
  const platform = seededPlatform("sent again");
  const [space, secret] = [new InnerSpace(), platform.random.bytes(32)];
  const one = await createIdentity({ space, secret, recoverySecret: platform.random.bytes(32), platform });
  expect(await connect(world, one, "bob")).toBe("none");
  const vouched: string[] = [];
  const shown: string[][] = [];
  const watch =
    (isLost: boolean): TapRule =>
    ({ to, message }) => {
      const said = to === "receiver" && typeof message === "string" ? JSON.parse(message) : {};
      if (said.type !== "connect") return [message];
      vouched.push(JSON.stringify(said.proof.lane));
      shown.push(said.laneFrames.map((frame: unknown) => JSON.stringify(frame)));
      return isLost ? [JSON.stringify({ type: "error", code: "shutting_down" })] : [message];
    };
  expect(await connect(world, one, "bob", watch(true))).not.toBe("none");
  expect(await connect(world, one, "bob", watch(true))).not.toBe("none");
  const next = await openIdentity({ space, secret, platform });
  expect(await connect(world, next, "bob", watch(false))).toBe("none");
  expect(shown).toEqual([[], vouched.slice(0, 1), vouched.slice(0, 2)]);
  await world.close();
});

import { beforeAll, describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { mergeFunctions } from "../../src/merge/index.js";
import { mergingOf } from "../../src/peer/branches/merging.js";
import { resolveRoots } from "../../src/peer/branches/resolution.js";
import { noEvidence } from "../../src/peer/rights/attestations.js";
import type { Root, RootStatus } from "../../src/saga/index.js";
import { createWorld, type SenderPeer, seededPlatform, type World } from "../../src/testing/index.js";

/** A receiver says what it has kept. Whatever it says, what is signed stays the same; at the most less is sent. */
const platform = seededPlatform("hints");
let world: World;
let alice: SenderPeer;
let note: Address;
let other: Address;
let stone: Address;

beforeAll(async () => {
  world = await createWorld({ platform, senders: ["alice", "carol"] });
  alice = world.senders[0]!;
  note = await alice.timeline("note");
  await alice.edit(note, ...Array.from({ length: 9 }, (_, i) => ({ i })));
  other = await alice.timeline("other");
  await alice.edit(other, { i: 1 });
  stone = await alice.stone("stone", { data: { text: "x" } });
  return () => world.close();
});

async function resolved(of: Address, status: RootStatus) {
  const tip = (await alice.space.tip(of)) ?? { address: of, n: 0 };
  const roots: Root[] = [{ address: of, tip: tip.address, n: tip.n }];
  const { resolved } = await resolveRoots(
    {
      identity: alice.identity,
      receiver: world.receiver.address,
      lane: alice.address,
      merging: mergingOf(mergeFunctions(), platform),
      access: "owners",
      named: new Set<Address>(),
      stonesFor: async () => [],
      stage: () => Promise.resolve(),
      evidence: noEvidence,
    },
    {
      kind: "resolve",
      saga: "00".repeat(16),
      direction: "both",
      roots,
      statuses: [status],
      kept: 1,
      found: [],
      open: [],
      full: false,
      overtaken: [],
    },
  );
  const { plan, unsure: _, shared: __, ...signed } = resolved;
  return { plan, signed };
}

const frame = async (n: number) => (await alice.space.frameAt(note, n))!;
const nobodys = `note^${"A".repeat(64)}.${"B".repeat(64)}` as Address;

describe("of a root that it does not know", () => {
  test("a frame of the sender's chain: the frames behind it are sent (threat 3)", async () => {
    const without = await resolved(note, { status: "unknown" });
    const { plan, signed } = await resolved(note, { status: "unknown", kept: await frame(6) });
    expect(without.plan.timelines).toMatchObject([{ tjp: note, after: -1, n: 9 }]);
    expect(plan.timelines).toMatchObject([{ tjp: note, after: 6, n: 9 }]);
    expect(signed).toEqual(without.signed);
  });

  test("the tip: nothing is sent, and the same is signed (threat 3)", async () => {
    const without = await resolved(note, { status: "unknown" });
    const { plan, signed } = await resolved(note, { status: "unknown", kept: await frame(9) });
    expect(plan).toMatchObject({ timelines: [], branches: [], stones: [], held: [{ tjp: note, n: 9 }] });
    expect(signed).toEqual(without.signed);
  });

  test.each([
    ["a frame of nobody's", async () => nobodys],
    ["a frame of another timeline", async () => (await alice.space.tip(other))!.address],
    ["a stone", async () => stone],
  ])("%s is passed over", async (_, kept) => {
    expect(await resolved(note, { status: "unknown", kept: await kept() })).toEqual(
      await resolved(note, { status: "unknown" }),
    );
  });

  test("a stone is kept as itself, and as nothing else", async () => {
    const without = await resolved(stone, { status: "unknown" });
    expect(without.plan.stones).toEqual([stone]);
    expect(await resolved(stone, { status: "unknown", kept: note })).toEqual(without);
    const { plan, signed } = await resolved(stone, { status: "unknown", kept: stone });
    expect([plan.stones, signed]).toEqual([[], without.signed]);
  });
});

describe("of a root of which it has an older tip", () => {
  const behind = async (n: number, kept: Address): Promise<RootStatus> => ({
    status: "behind",
    tip: await frame(n),
    n,
    kept,
  });

  test.each([
    ["newer than that", 4, 6, 6],
    ["older than that", 6, 4, 6],
    ["that very frame", 5, 5, 5],
  ])("a frame %s: what both do not have is sent", async (_, has, kept, after) => {
    const { plan, signed } = await resolved(note, await behind(has, await frame(kept)));
    const sent = plan.timelines.flatMap(({ after: from, n }) =>
      Array.from({ length: n - from }, (_, i) => from + 1 + i),
    );
    const branch = await Promise.all(plan.branches.flatMap(({ frames }) => frames).map(numberOf));
    expect([...sent, ...branch]).toEqual(Array.from({ length: 9 - after }, (_, i) => after + 1 + i));
    expect(signed).toEqual((await resolved(note, await behind(has, nobodys))).signed);
  });
});

async function numberOf(address: Address): Promise<number> {
  for (let n = 0; n <= 9; n++) if ((await frame(n)) === address) return n;
  return expect.fail("a frame of the note");
}

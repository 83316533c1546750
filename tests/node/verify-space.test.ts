import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  type Address,
  createTimeline,
  gibOf,
  InnerSpace,
  type Problem,
  relate,
  type Scanned,
  type Space,
  type Verification,
  verifySpace,
} from "../../src/index.js";
import { openLmdbSpace } from "../../src/node/index.js";
import { partsGroup } from "../../src/peer/rights/proof-parts.js";
import { createWorld } from "../../src/testing/index.js";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function verified(space: Space) {
  const all: Verification[] = [];
  for await (const found of verifySpace(space)) all.push(found);
  const summary = all.at(-1);
  if (summary?.kind !== "summary") throw new Error("no summary");
  const problems = all.flatMap((found) => (found.kind === "problem" ? [found.problem] : []));
  expect(summary.problems).toBe(problems.length);
  return { problems, counts: summary.counts };
}

const frames = 70;

/** Alice has synced a note of many frames, which links a stone, to bob, in two sessions. */
async function synced(spaces: readonly Space[] = [new InnerSpace(), new InnerSpace()]) {
  const left = [...spaces];
  const world = await createWorld({ space: () => left.shift() ?? new InnerSpace() });
  const alice = world.senders[0]!;
  const stone = await alice.stone("color", { data: { name: "red" } });
  const note = await alice.timeline("note", { data: { text: "0" } });
  await alice.link(note, "color", [stone]);
  await alice.sync(note);
  await alice.edit(note, ...Array.from({ length: frames - 2 }, (_, n) => ({ text: String(n) })));
  await alice.sync(note);
  return { world, alice, bob: world.receiver, note, stone };
}

async function inMemory() {
  const made = await synced();
  cleanUp.push(() => made.world.close());
  return made;
}

describe("a store in order", () => {
  test("has no problem, on either side, and is counted (K7)", async () => {
    const { alice, bob } = await inMemory();
    for (const { space } of [alice, bob]) {
      const { problems, counts } = await verified(space);
      expect(problems).toEqual([]);
      // Two identities, both sides' sessions of both connections, and where it is signed the lane.
      const keystones = space === alice.space ? 7 : 6;
      expect(counts).toMatchObject({ records: frames + 1, timelines: 1, frames, keystones });
    }
  });

  test("so has one that is empty", async () => {
    expect((await verified(new InnerSpace())).problems).toEqual([]);
  });

  test("and one in which a timeline lies without a tip, because who brought its first frame may not read it", async () => {
    const space = new InnerSpace();
    const secret = createTimeline({ ib: "secret", uuid: "secret" });
    const folder = createTimeline({ ib: "folder", uuid: "folder" });
    const linking = relate(folder, { add: { item: [secret.address] } });
    const result = await space.commit({
      holder: folder.address,
      sight: { holders: [], reads: ({ address }) => address === folder.address },
      puts: [secret, folder, linking],
      tips: [{ tjp: folder.address, from: undefined, to: linking.address }],
    });
    expect(result.kind).toBe("committed");
    const { problems, counts } = await verified(space);
    expect(problems).toEqual([]);
    expect(counts).toMatchObject({ records: 3, timelines: 1, frames: 2 });
  });

  test("and one that is written to meanwhile", async () => {
    const { alice, note } = await inMemory();
    const found: Problem[] = [];
    for await (const each of verifySpace(
      busyAtEachScan(alice.space, () => alice.edit(note, { text: "more" })),
    )) {
      if (each.kind === "problem") found.push(each.problem);
    }
    expect(found).toEqual([]);
  });
});

/** Calls `act` when a scan begins and when it has ended. */
function busyAtEachScan(space: Space, act: () => Promise<unknown>): Space {
  return lying(space, {
    async *scan() {
      await act();
      yield* space.scan();
      await act();
    },
  });
}

/** A space that answers some calls otherwise. */
function lying(space: Space, lies: Partial<Space>): Space {
  return new Proxy(space, {
    get(target, name) {
      const value: unknown = Reflect.get(lies, name) ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A space whose scan shows things otherwise, or not at all. */
function scanning(space: Space, show: (scanned: Scanned) => Scanned | undefined): Space {
  return lying(space, {
    async *scan() {
      for await (const scanned of space.scan()) {
        const shown = show(scanned);
        if (shown !== undefined) yield shown;
      }
    },
  });
}

async function setCell(space: Space, key: string, to: Uint8Array | undefined): Promise<void> {
  const from = await space.cell(key);
  const result = await space.commit({
    holder: "nobody^gib" as Address,
    sight: { holders: [] },
    cells: [{ key, from, to }],
  });
  expect(result.kind).toBe("committed");
}

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

type Made = Awaited<ReturnType<typeof synced>>;

describe("names what is wrong with", () => {
  const connected = ({ alice }: Made) => {
    const event = alice.events.findLast(({ kind }) => kind === "connected");
    if (event?.kind !== "connected") throw new Error("never connected");
    return event;
  };

  test("a record that the scan does not list", async () => {
    const { alice, note } = await inMemory();
    const hidden = (await alice.space.frameAt(note, 5))!;
    const space = scanning(alice.space, (scanned) =>
      scanned.kind === "record" && scanned.gib === gibOf(hidden) ? undefined : scanned,
    );
    expect((await verified(space)).problems).toEqual([{ at: hidden, rule: "not_listed" }]);
  });

  test("a record in another's place", async () => {
    const { alice, stone } = await inMemory();
    const elsewhere = "0".repeat(64);
    const space = scanning(alice.space, (scanned) =>
      scanned.kind === "record" && scanned.gib === gibOf(stone) ? { ...scanned, gib: elsewhere } : scanned,
    );
    const { problems } = await verified(space);
    expect(problems).toContainEqual({ at: `gib ${elsewhere}`, rule: "place", detail: stone });
  });

  test("a row that cannot be read", async () => {
    const { alice } = await inMemory();
    const space = scanning(alice.space, (scanned) =>
      scanned.kind === "tip" ? { kind: "damaged", table: "tips", key: "row" } : scanned,
    );
    expect((await verified(space)).problems).toContainEqual({ at: "tips row", rule: "unreadable" });
  });

  test("a tip with another number, and one that belongs elsewhere", async () => {
    const { alice, note, stone } = await inMemory();
    for (const wrong of [{ n: 3 }, { address: stone }]) {
      const space = scanning(alice.space, (scanned) =>
        scanned.kind === "tip" ? { kind: "tip", tip: { ...scanned.tip, ...wrong } } : scanned,
      );
      expect((await verified(space)).problems).toContainEqual(
        expect.objectContaining({ at: note, rule: "tip" }),
      );
    }
  });

  test("the index of frames", async () => {
    const { alice, note, stone } = await inMemory();
    const { space } = alice;
    const frameAt = async (tjp: Address, n: number) => (n === 64 ? stone : space.frameAt(tjp, n));
    expect((await verified(lying(space, { frameAt }))).problems).toEqual([
      { at: note, rule: "index", detail: "n=64" },
    ]);
  });

  test("a link to what is not there", async () => {
    const { alice, note, stone } = await inMemory();
    const { space } = alice;
    const hasMany = async (asked: readonly Address[]) => asked.map((address) => address !== stone);
    const { problems } = await verified(lying(space, { hasMany }));
    expect(problems).toHaveLength(frames - 1); // every frame but the first carries the link
    const tip = (await space.tip(note))!;
    expect(problems).toContainEqual({ at: tip.address, rule: "link_missing", detail: stone });
  });

  test("a frame whose parent is another", async () => {
    const { alice, note, stone } = await inMemory();
    const { space } = alice;
    const [fifth, sixth] = [await space.frameAt(note, 5), await space.frameAt(note, 6)];
    const get = async (address: Address) => space.get(address === fifth ? stone : address);
    const { problems } = await verified(lying(space, { get }));
    expect(problems).toContainEqual({ at: sixth, rule: "chain", detail: "chain_refused: not_a_frame" });
  });

  test("a keystone with a frame too few", async () => {
    const made = await inMemory();
    const { space } = made.bob;
    const { session } = connected(made);
    const without = async (group: Address) => {
      const all = await space.proofs(group);
      const second = all.filter(({ ib }) => ib === "keystone.session")[1];
      return group === session ? all.filter((proof) => proof !== second) : all;
    };
    expect((await verified(lying(space, { proofs: without }))).problems).toEqual([
      { at: expect.any(String), rule: "keystone", detail: "frame_refused: another past" },
    ]);
  });

  test("a turn whose context is gone", async () => {
    const made = await inMemory();
    const { space } = made.bob;
    const contexts = (await space.proofs(connected(made).session)).filter(({ ib }) => ib === "context");
    const gone = contexts[0]!.address;
    const proof = async (address: Address) => (address === gone ? undefined : space.proof(address));
    expect((await verified(lying(space, { proof }))).problems).toEqual([
      { at: expect.stringMatching(/^keystone\.session\^/), rule: "link_missing", detail: gone },
    ]);
  });

  test("a lane that nobody delegated, and a session that nothing vouches for", async () => {
    const made = await inMemory();
    const { space } = made.bob;
    const { identity, lane } = connected(made);
    const firstOf = (wanted: Address) =>
      lying(space, {
        proofs: async (group) => (await space.proofs(group)).slice(0, group === wanted ? 1 : undefined),
      });
    expect((await verified(firstOf(identity))).problems).toContainEqual({
      at: lane,
      rule: "not_delegated",
      detail: identity,
    });
    const home = made.alice.space;
    const withoutFrames = lying(home, {
      proofs: async (group) => (await home.proofs(group)).slice(0, group === lane ? 1 : undefined),
    });
    const { problems } = await verified(withoutFrames);
    const notVouched = expect.stringMatching(/^keystone\.session\^/);
    expect(problems).toContainEqual({ at: notVouched, rule: "not_vouched", detail: lane });
    expect(problems).toContainEqual(expect.objectContaining({ at: lane, rule: "journal" }));
  });

  test("a lane and its sessions that are gone, which proofs rest on", async () => {
    const made = await inMemory();
    const { space } = made.bob;
    const { identity, lane, session } = connected(made);
    const groups = [partsGroup(lane), session];
    await space.commit({ holder: identity, sight: { holders: [] }, dropProofGroups: groups });
    expect((await verified(space)).problems).toContainEqual({
      at: session,
      rule: "link_missing",
      detail: "the session's genesis",
    });
  });

  test("a journal that is no frame, or another keystone's", async () => {
    const made = await inMemory();
    const { space } = made.alice;
    const { identity, lane } = connected(made);
    const key = (keystone: Address) => `journal/${keystone}`;
    await setCell(space, key(lane), await space.cell(key(identity)));
    expect((await verified(space)).problems).toContainEqual(
      expect.objectContaining({ at: lane, rule: "journal" }),
    );
    await setCell(space, key(lane), bytesOf({ no: "frame" }));
    const { problems } = await verified(space);
    expect(problems).toContainEqual(expect.objectContaining({ at: key(lane), rule: "cell" }));
  });

  test("a cell that says what the keystones do not, and one that cannot be read", async () => {
    const made = await inMemory();
    const { space } = made.bob;
    const { identity } = connected(made);
    const row = await space.cell(`identity/${identity}`);
    const { tip, n } = JSON.parse(new TextDecoder().decode(row));
    const hostKeys = [["0".repeat(64), tip]];
    for (const [wrong, detail] of [
      [{ tip, n: 7, hostKeys: [] }, "says that it ends at n=7"],
      [{ tip, n, hostKeys }, "host keys"],
    ]) {
      await setCell(space, `identity/${identity}`, bytesOf(wrong));
      expect((await verified(space)).problems).toEqual([{ at: identity, rule: "cell", detail }]);
    }
    await setCell(space, `identity/${identity}`, row);
    await setCell(space, `delegated/${gibOf(identity)}/${"0".repeat(64)}`, bytesOf({ n: 1 }));
    expect((await verified(space)).problems).toEqual([{ at: identity, rule: "cell", detail: "lanes" }]);
    await setCell(space, `identity/${identity}`, bytesOf("what"));
    expect((await verified(space)).problems).toContainEqual(
      expect.objectContaining({ at: `identity/${identity}`, rule: "cell" }),
    );
  });
});

describe("in a store on disk", () => {
  const flips = Number(process.env["KEYSAGA_FLIPS"] ?? 25);

  test(`any bit of any record or proof that is flipped is found and named (${flips} times)`, {
    timeout: 600_000 + 500 * flips,
  }, async () => {
    const dir = await mkdtemp(join(tmpdir(), "keysaga-verify-"));
    cleanUp.push(() => rm(dir, { recursive: true, force: true }));
    const whole = join(dir, "whole");
    const space = await openLmdbSpace({ path: whole });
    const { world } = await synced([new InnerSpace(), space]);
    // The world's receiver has the first space, alice the second.
    const stored: { gib: string; bytes: Uint8Array }[] = [];
    for await (const scanned of space.scan()) {
      if (scanned.kind === "record" || scanned.kind === "proof") stored.push(scanned);
    }
    await world.close();
    const data = await readFile(join(whole, "data.mdb"));

    let tries = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }), async (which, where, bit) => {
        const { gib, bytes } = stored[which % stored.length]!;
        const damaged = flipEverywhere(data, bytes, where % bytes.length, 1 << bit);
        const path = join(dir, `damaged-${tries++}`);
        await cp(whole, path, { recursive: true });
        await writeFile(join(path, "data.mdb"), damaged);
        const opened = await openLmdbSpace({ path });
        try {
          const { problems } = await verified(opened);
          expect(problems.filter(({ at }) => at.includes(gib))).not.toEqual([]);
        } finally {
          await opened.close();
          await rm(path, { recursive: true });
        }
      }),
      { numRuns: flips },
    );
  });

  /** Flips a bit of every copy of `bytes`: pages that are no longer in use may hold older ones. */
  function flipEverywhere(data: Buffer, bytes: Uint8Array, at: number, mask: number): Buffer {
    const damaged = Buffer.from(data);
    const first = data.indexOf(bytes);
    expect(first).toBeGreaterThan(0);
    for (let found = first; found >= 0; found = data.indexOf(bytes, found + 1)) damaged[found + at]! ^= mask;
    return damaged;
  }
});

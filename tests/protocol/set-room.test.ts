/** What comparing a set takes of a receiver: room that is claimed before it is taken, and time that others have in between. */
import { beforeAll, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { Quotas, receiverLimits } from "../../src/peer/receiver/quotas.js";
import { readableSet, setItemBytes } from "../../src/peer/receiver/readable-set.js";
import { Standing } from "../../src/peer/rights/standing.js";
import { RangeSet } from "../../src/saga/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld, type SenderPeer, seededPlatform } from "../../src/testing/index.js";

const platform = seededPlatform("set room");
const timelines = 200;
let alice: SenderPeer;
let folder: Address;

/** Tells how many records were read at once at the most, and since when others had no turn. */
class WatchedSpace extends InnerSpace {
  most = 0;
  sincePause = 0;

  override async getMany(addresses: readonly Address[]) {
    this.most = Math.max(this.most, addresses.length);
    this.sincePause += addresses.length;
    return super.getMany(addresses);
  }
}
const space = new WatchedSpace();

beforeAll(async () => {
  const spaces = [new InnerSpace(), space];
  const world = await createWorld({ platform, space: () => spaces.shift() ?? new InnerSpace() });
  alice = world.senders[0]!;
  folder = await alice.timeline("folder");
  for (let at = 1; at < timelines; at++) await alice.timeline("file", { within: folder });
  return () => world.close();
});

async function standing(): Promise<Standing> {
  const { address: self } = alice;
  const loaded = new Standing(self, { space, self, access: "owners", now: platform.clock.now });
  await loaded.load();
  return loaded;
}

test("a set is read in pages, and others have their turn between them (threat 11)", async () => {
  [space.most, space.sincePause] = [0, 0];
  let mostBetween = 0;
  const pause = async () => {
    mostBetween = Math.max(mostBetween, space.sincePause);
    space.sincePause = 0;
  };
  const set = await readableSet(space, await standing(), folder, { hold: () => true, pause });
  expect(set).toHaveLength(timelines);
  expect(space.most).toBeLessThan(timelines / 2);
  expect(mostBetween).toBeLessThan(timelines / 2);
});

test("where there is no room for a set, none of its members are read (threat 11)", async () => {
  space.most = 0;
  const asked: number[] = [];
  const hold = (count: number) => asked.push(count) < 0;
  expect(await readableSet(space, await standing(), folder, { hold })).toEqual([]);
  expect([asked, space.most]).toEqual([[timelines], 1]);
});

test("the fingerprints of a large set come a few hundred at a time (threat 11)", async () => {
  const tips = Array.from({ length: 5_000 }, (_, at) => {
    const address = `note^${at.toString(16).toUpperCase().padStart(64, "0")}` as Address;
    return { address, tip: address, n: 0 };
  });
  let pauses = 0;
  const set = await RangeSet.of(tips, async () => void pauses++);
  expect(pauses).toBeGreaterThan(2 * (tips.length / 256));
  expect(set.count("")).toBe(tips.length);
});

test("what is still under way when its saga has ended takes no room (threat 11)", async () => {
  const limits = { ...receiverLimits, listedBytesPerIdentityMax: setItemBytes };
  const quotas = await Quotas.open(new InnerSpace(), limits, platform);
  const ended = quotas.inflow(alice.address);
  ended.release();
  expect(() => ended.tryHold(1, setItemBytes)).toThrow(
    expect.objectContaining({ code: "connection_closed" }),
  );
  expect(quotas.inflow(alice.address).tryHold(1, setItemBytes)).toBe(true);
});

/** What a saga costs grows with what it is about, and not with its square: work is counted, no time is taken. */
import { expect, test } from "vitest";
import { type Address, createTimeline, type IbGib, mutate, sealRecord } from "../../src/ibgib/index.js";
import { saveRecords } from "../../src/peer/index.js";
import { Standing } from "../../src/peer/rights/standing.js";
import { emptyList, type GrowingList, grown, itemsOf } from "../../src/saga/growing-list.js";
import { type ReceiverSagaState, stepReceiverSaga } from "../../src/saga/index.js";
import { sessionLimits } from "../../src/saga/limits.js";
import { createWorld, type SenderPeer, type World } from "../../src/testing/index.js";
import { looksPerPair } from "./meter.js";

/** Where one list is searched for each element of another it is a half and more; pages do not come out even. */
const atMost = 0.25;
/** Three times as many roots and heads still fit a message: that they travel in another way would count as growth. */
const size = 30;

type Story = (world: World, size: number) => Promise<() => Promise<unknown>>;

const stories: Readonly<Record<string, Story>> = {
  "a push of owned timelines": async ({ senders: [alice] }, count) => {
    const notes = await timelines(alice!, count);
    return () => alice!.sync(notes, { direction: "push" });
  },
  "a push of stones, each a root": async ({ senders: [alice] }, count) => {
    const stones = stonesOf(count);
    await saveRecords(alice!, stones);
    return () => alice!.sync(addressesOf(stones), { direction: "push" });
  },
  "a pull of stones, each a root": async ({ senders: [alice, carol], receiver }, count) => {
    const stones = stonesOf(count);
    await receiver.space.commit({
      holder: carol!.address,
      sight: { holders: [] },
      puts: stones,
      roots: addressesOf(stones),
    });
    await alice!.sync(await timelines(alice!, 1));
    return () => carol!.sync(addressesOf(stones), { direction: "pull" });
  },
  "edits of timelines that both sides have": async ({ senders: [alice] }, count) => {
    const notes = await timelines(alice!, count);
    await alice!.sync(notes);
    await editAll(alice!, notes);
    return () => alice!.sync(notes);
  },
  "timelines of somebody else, which are refused": async ({ senders: [alice, carol] }, count) => {
    const firsts = firstFrames(alice!, count, 0);
    await carol!.space.commit({
      ...{ holder: carol!.address, sight: "anyone" as const, puts: firsts },
      tips: addressesOf(firsts).map((tjp) => ({ tjp, from: undefined, to: tjp })),
    });
    const notes = addressesOf(firsts);
    await editAll(carol!, notes);
    return () => carol!.sync(notes, { direction: "push" }).catch(() => undefined);
  },
  "a folder of timelines": async ({ senders: [alice] }, count) => {
    const notes = await timelines(alice!, count);
    const folder = await alice!.timeline("folder");
    await alice!.link(folder, "note", notes);
    return () => alice!.sync(folder, { direction: "push" });
  },
  "stones, each of which links to the one before and to a timeline": async ({ senders: [alice] }, count) => {
    const notes = await timelines(alice!, count);
    let before: Address | undefined;
    const chain = notes.map((note) => {
      const stone = sealRecord({
        ib: "stone",
        rel8ns: { note: [note], ...(before && { before: [before] }) },
      });
      before = stone.address;
      return stone;
    });
    await saveRecords(alice!, chain);
    return () => alice!.sync(before!, { direction: "push" });
  },
};

test.each(Object.entries(stories))("%s", async (_, story) => {
  const worlds: World[] = [];
  const looks = await looksPerPair(size, async (count) => {
    const world = await createWorld({ senders: ["alice", "carol"] });
    worlds.push(world);
    return story(world, count);
  });
  for (const world of worlds) await world.close();
  expect(looks).toBeLessThan(atMost);
});

test("a payload frame costs a receiver the same however many roots there are and stones have come", async () => {
  const [record] = stonesOf(1);
  const looks = await looksPerPair(size, (count) => {
    const roots = stonesOf(count).map(({ address }) => ({ address, tip: address, n: 0 }));
    let state: ReceiverSagaState = {
      kind: "awaitingCommit",
      limits: sessionLimits,
      saga: "saga",
      direction: "push",
      roots,
      alike: [],
      statuses: roots.map(() => ({ status: "unknown" })),
      found: [],
      later: false,
      staging: 0,
      asked: false,
      offered: false,
      overtaken: 0,
      uncovered: false,
      deadline: 1,
      moved: [],
    };
    return () => {
      for (let at = 0; at < count; at++)
        state = stepReceiverSaga(state, { kind: "payload", records: [record!], bytes: 0, now: 0 }).state;
      expect(state).toMatchObject({ kind: "awaitingCommit", staging: count });
    };
  });
  expect(looks).toBeLessThan(atMost);
});

test("a list that comes in as many parts as it has entries is put together once", async () => {
  const looks = await looksPerPair(size, (count) => () => {
    let list: GrowingList<number> = emptyList;
    for (let at = 0; at < count; at++) list = grown(list, [at]);
    expect(list.length).toBe(count);
    expect(itemsOf(list)).toEqual(Array.from({ length: count }, (_, at) => at));
  });
  expect(looks).toBeLessThan(atMost);
});

test("what an entry allows is looked up, however many entries there are", async () => {
  const world = await createWorld({ senders: ["alice", "carol"] });
  const [alice, carol] = world.senders;
  const notes: Address[] = [];
  const looks = await looksPerPair(10, async (count) => {
    for (const note of await timelines(alice!, count, notes.length)) {
      notes.push(note);
      await alice!.share(note, carol!);
    }
    const firsts = (await alice!.space.getMany(notes.slice(-count))).flatMap((first) => first ?? []);
    const self = world.receiver.address;
    const options = { space: alice!.space, self, access: "owners", now: () => 0 } as const;
    const standing = new Standing(carol!.address, options);
    await standing.load();
    return async () => expect(await standing.readsAll(firsts)).toEqual(firsts.map(() => true));
  });
  await world.close();
  expect(looks).toBeLessThan(atMost);
});

/** First frames of the peer's own, which it holds. @param from Their numbers tell them apart. */
async function timelines(peer: SenderPeer, count: number, from = 0): Promise<readonly Address[]> {
  const firsts = firstFrames(peer, count, from);
  await saveRecords(peer, firsts);
  return addressesOf(firsts);
}

function firstFrames({ address: owner }: SenderPeer, count: number, from: number): readonly IbGib[] {
  return Array.from({ length: count }, (_, at) =>
    createTimeline({ ib: "note", owner, uuid: `${from + at}` }),
  );
}

function stonesOf(count: number): readonly IbGib[] {
  return Array.from({ length: count }, (_, i) => sealRecord({ ib: "stone", data: { i } }));
}

async function editAll(peer: SenderPeer, notes: readonly Address[]): Promise<void> {
  const tips = await Promise.all(notes.map((note) => peer.tip(note)));
  await saveRecords(
    peer,
    tips.map((tip) => mutate(tip, { editor: peer.name }, { by: peer.address })),
  );
}

function addressesOf(records: readonly IbGib[]): readonly Address[] {
  return records.map(({ address }) => address);
}

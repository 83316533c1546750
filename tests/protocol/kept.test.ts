import { describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { type PeerEvent, unshare } from "../../src/peer/index.js";
import type { Commit, Space } from "../../src/space/index.js";
import {
  createWorld,
  type Network,
  type SenderPeer,
  seededPlatform,
  type Tap,
} from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { nameOf } from "./faults.js";
import { codeOf, expectQuiet, openLab, type Tapped, tapped } from "./lab.js";
import { benchOf, inPortions, tell } from "./matrix.js";
import { eventually } from "../waiting.js";
import { turnTime } from "../turn-time.js";

/** A network whose connections can be cut, all at once. */
function cuttable() {
  let sever: () => void = () => undefined;
  const network: Network = {
    async listen(receiver) {
      const innerspace = createInnerspace({ timers: { after: () => () => undefined } });
      sever = innerspace.sever;
      const stop = innerspace.listen((connection) => receiver.accept(connection));
      const close = async () => {
        stop();
        await receiver.close();
      };
      return { audience: "innerspace://receiver", dial: innerspace.dial, close };
    },
  };
  return { network, cut: () => sever() };
}

async function openCuttable(seed: string, options: Parameters<typeof openLab>[1] = {}) {
  const { network, cut } = cuttable();
  const lab = await openLab(seed, {
    senders: ["alice", "carol"],
    network: () => network,
    ...options,
    limits: { ...inPortions, ...options.limits },
  });
  return { cut, ...benchOf(lab) };
}

type Cuttable = Awaited<ReturnType<typeof openCuttable>>;

/** A sender of `peer` that does something when it hears, or says, this for the nth time. */
function atTurn(
  lab: Parameters<typeof tapped>[0],
  peer: SenderPeer,
  name: string,
  nth: number,
  act: () => void,
): Tapped {
  let heard = 0;
  return tapped(lab, peer, ({ message }) => {
    if (nameOf(message) === name && ++heard === nth) act();
    return [message];
  });
}

/** Alice's connection is lost when she hears that her first two portions are staged. */
async function loseAlices({ lab, cut, alice }: Cuttable, roots: readonly Address[]): Promise<void> {
  const { sender } = atTurn(lab, alice, "staged", 2, cut);
  expect(await codeOf(sender.sync(roots))).toBe("connection_lost");
  await sender.disconnect();
  expect(await eventually(() => lab.world.answering.sessionCount === 0)).toBe(true);
}

const kinds = (events: readonly PeerEvent[], kind: PeerEvent["kind"]) =>
  events.filter((event) => event.kind === kind);

const recordsUp = (events: readonly PeerEvent[]) =>
  events.reduce(
    (sum, event) => sum + (event.kind === "payload" && event.from === "sender" ? event.records : 0),
    0,
  );

const namesOf = ({ said }: Tap) =>
  said.map(({ message }) => nameOf(message)).filter((name) => name !== "credit");

describe("a connection is lost", () => {
  test("what a turn covers is kept, counts as staged for the next saga, and is not sent again", async () => {
    const bench = await openCuttable("lost");
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    await loseAlices(bench, roots);
    expect(kinds(bob.events, "kept")).toMatchObject([{ records: 4 }]);
    expect(lab.staged()).toHaveLength(1);

    const { sender, tap, events } = tapped(lab, alice);
    await sender.sync(roots);
    await sender.disconnect();
    expect(namesOf(tap).slice(-4)).toEqual(["ack", "records", "commit", "receipt"]);
    expect(events.find((event) => event.kind === "turn" && event.type === "ack")).toMatchObject({
      note: "unknown, unknown, unknown and 2 more, 4 records kept",
    });
    for (const told of [events, bob.events])
      expect(kinds(told, "resumed")).toMatchObject([{ kind: "resumed", records: 4 }]);
    expect(await bob.space.hasMany(roots)).toEqual(roots.map(() => true));
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("before any turn covers something: nothing is kept", async () => {
    const bench = await openCuttable("uncovered");
    const { lab, cut, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    const { sender } = atTurn(lab, alice, "delta", 1, cut);
    expect(await codeOf(sender.sync(roots))).toBe("connection_lost");
    await expectQuiet(lab);
    expect(kinds(bob.events, "kept")).toEqual([]);
    await lab.world.close();
  });

  test("again while it is resumed: it is kept again, with what came on top", async () => {
    const bench = await openCuttable("again");
    const { lab, cut, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    for (const name of ["staged", "ack", "commit"]) {
      const { sender } = atTurn(lab, alice, name, 1, cut);
      expect(await codeOf(sender.sync(roots))).toBe("connection_lost");
      await sender.disconnect();
      expect(await eventually(() => lab.world.answering.sessionCount === 0)).toBe(true);
      expect(lab.staged()).toHaveLength(1);
    }
    const counts = kinds(bob.events, "kept").map((event) => event.kind === "kept" && event.records);
    expect(counts).toEqual([2, 2, 4]);
    await alice.sync(roots);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("a pull sends nothing, so it takes nothing over", async () => {
    const bench = await openCuttable("pull");
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    await loseAlices(bench, roots);
    await alice.sync(await tell("pull", bench, alice), { direction: "pull" });
    expect(lab.staged()).toHaveLength(1);
    await alice.sync(roots);
    expect(kinds(bob.events, "resumed")).toHaveLength(1);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("another identity never sees it (threat 22)", async () => {
    const bench = await openCuttable("another");
    const { lab, alice, carol } = bench;
    const roots = await tell("portions", bench, alice);
    await loseAlices(bench, roots);
    const records = await alice.space.getMany(roots);
    await carol.space.commit({
      holder: carol.address,
      sight: "anyone",
      puts: records.flatMap((record) => record ?? []),
      roots,
    });
    const { sender, events } = tapped(lab, carol);
    await sender.sync(roots);
    await sender.disconnect();
    expect(recordsUp(events)).toBe(roots.length);
    expect(kinds(events, "resumed")).toEqual([]);
    expect(lab.staged()).toHaveLength(1);
    await lab.world.close();
  });

  test("of two sessions of one identity at once, one takes it over", async () => {
    const bench = await openCuttable("two");
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    await loseAlices(bench, roots);
    const both = [tapped(lab, alice), tapped(lab, alice)];
    await Promise.all(both.map(({ sender }) => sender.connect()));
    await Promise.all(both.map(({ sender }) => sender.sync(roots)));
    await Promise.all(both.map(({ sender }) => sender.disconnect()));
    expect(kinds(bob.events, "resumed")).toHaveLength(1);
    expect(both.map(({ events }) => kinds(events, "resumed").length).sort((a, b) => a - b)).toEqual([0, 1]);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("while its commit waits for that of somebody else: the commit covers all of it", async () => {
    let [isHeld, carols] = [true, ""];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const around = (space: Space): Space =>
      new Proxy(space, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (name !== "commit") return typeof value === "function" ? value.bind(target) : value;
          return async (commit: Commit) => {
            const result = await target.commit(commit);
            if (isHeld && commit.saga !== undefined && commit.holder === carols) await gate;
            return result;
          };
        },
      });
    const bench = await openCuttable("waiting", {
      around: (space, of) => (of === 0 ? around(space) : space),
    });
    const { lab, cut, alice, carol, bob } = bench;
    const note = await alice.timeline("note");
    await alice.sync(note);
    await carol.sync(note, { direction: "pull" });
    await carol.edit(note, { hand: "carol" });
    await alice.edit(note, ...Array.from({ length: 3 }, (_, i) => ({ [`field ${i}`]: "x".repeat(1_000) })));
    carols = carol.address;
    const commits = () =>
      bob.events.filter((event) => event.kind === "turn" && event.type === "commit").length;
    const before = commits();
    const waiting: Promise<string>[] = [];
    for (const peer of [carol, alice]) {
      const heard = commits();
      waiting.push(codeOf(peer.sync(note)));
      expect(await eventually(() => commits() > heard)).toBe(true);
    }
    expect(commits()).toBe(before + 2);
    cut();
    expect(await Promise.all(waiting)).toEqual(["connection_lost", "connection_lost"]);
    isHeld = false;
    release();
    expect(await eventually(() => lab.world.answering.sessionCount === 0)).toBe(true);
    // Carol's went through, unheard. Alice's did not: of her edits and their merge with carol's, only the merge is made anew.
    expect(kinds(bob.events, "kept")).toMatchObject([{ records: 4 }]);
    const { sender, events } = tapped(lab, alice);
    await sender.sync([note]);
    await sender.disconnect();
    expect(kinds(events, "resumed")).toMatchObject([{ records: 4 }]);
    expect(recordsUp(events)).toBe(1);
    expect((await bob.tip(note)).data).toMatchObject({ hand: "carol", "field 2": "x".repeat(1_000) });
    await expectQuiet(lab);
    await lab.world.close();
  });
});

describe("any other end drops everything", () => {
  const garbage = (tap: Tap) => tap.inject("receiver", "{}");
  const ends: Readonly<Record<string, (tapped: Tapped, bench: Cuttable) => unknown>> = {
    "a message that is none": ({ tap }) => garbage(tap),
    "an error of the sender's": ({ tap }) => tap.inject("receiver", '{"type":"error","code":"sync_error"}'),
    "a disconnect of the sender's": ({ sender }) => sender.disconnect(),
    "the receiver's shutdown": (_, { lab }) => lab.world.answering.close(),
    "a failure first, and then the connection": ({ tap }, { cut }) => {
      garbage(tap);
      setImmediate(cut);
    },
  };

  test.each(Object.entries(ends))("%s", async (name, end) => {
    const bench = await openCuttable(name);
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    const ended = atTurn(lab, alice, "staged", 2, () => end(ended, bench));
    expect(await codeOf(ended.sender.sync(roots))).not.toBe("none");
    await ended.sender.disconnect();
    await expectQuiet(lab);
    expect(kinds(bob.events, "kept")).toEqual([]);
    await lab.world.close();
  });

  test("a sender that falls silent", async () => {
    const patience = { turnTimeoutMs: 2_000, handshakeTimeoutMs: 3_600_000 };
    const bench = await openCuttable("silent", { time: turnTime(1), limits: patience });
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    let isSilent = false;
    const { sender } = tapped(lab, alice, ({ to, message }) => {
      isSilent ||= nameOf(message) === "staged";
      return isSilent && to === "receiver" ? [] : [message];
    });
    expect(await codeOf(sender.sync(roots))).not.toBe("none");
    await sender.disconnect();
    const ended = kinds(bob.events, "closed");
    expect(ended).toMatchObject([{ error: { code: "turn_timeout" } }]);
    await expectQuiet(lab);
    await lab.world.close();
  });
});

describe("what is kept is bounded", () => {
  test("by bytes of an identity: beyond, nothing is kept, and the watcher is told why", async () => {
    const bench = await openCuttable("quota", { limits: { keptBytesPerIdentityMax: 500 } });
    const { lab, alice, bob } = bench;
    await loseAlices(bench, await tell("portions", bench, alice));
    expect(kinds(bob.events, "dropped")).toMatchObject([{ code: "limit_exceeded" }]);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("what was kept counts as staged by the saga that takes it over", async () => {
    const bench = await openCuttable("staged", { limits: { stagedBytesPerIdentityMax: 900 } });
    const { lab, alice, bob } = bench;
    const roots = await tell("portions", bench, alice);
    await loseAlices(bench, roots);
    const { left } = await alice.sync(roots);
    expect(kinds(bob.events, "resumed")).toHaveLength(1);
    expect(left).toMatchObject([{ reason: "over_quota" }]);
    expect(await bob.space.hasMany(left.map(({ address }) => address))).toEqual([false]);
    await expectQuiet(lab);
    await lab.world.close();
  });

  test("by the receiver's life: when it closes nothing is left, and the next one knows of nothing", async () => {
    const bench = await openCuttable("closing");
    const { lab, alice } = bench;
    await loseAlices(bench, await tell("portions", bench, alice));
    expect([lab.staged().length, lab.timersRunning()]).toEqual([1, 1]);
    await lab.world.answering.close();
    expect([lab.staged().length, lab.timersRunning()]).toEqual([0, 0]);
    await lab.world.close();
  });

  test("by one stage: a sender that has its connections cut on purpose leaves no more than that", async () => {
    const bench = await openCuttable("hostile");
    const { lab, alice } = bench;
    for (let i = 0; i < 10; i++) {
      await loseAlices(bench, await tell("portions", bench, alice));
      expect([lab.staged().length, lab.timersRunning()]).toEqual([1, 1]);
    }
    await lab.world.close();
  });
});

test("rights are judged again: what the sender may not build on any more is dropped", async () => {
  const { network, cut } = cuttable();
  const platform = seededPlatform("rights");
  const world = await createWorld({ senders: ["alice", "carol"], platform, network });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const { events } = world.receiver;
  const note = await alice.timeline("note");
  await alice.share(note, carol);
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  await carol.edit(note, ...Array.from({ length: 6 }, (_, i) => ({ i })));
  const { sender } = atTurn({ world, platform, limits: { deltaBytes: 1_000 } }, carol, "staged", 1, cut);
  expect(await codeOf(sender.sync([note]))).toBe("connection_lost");
  await sender.disconnect();
  expect(await eventually(() => kinds(events, "kept").length === 1)).toBe(true);
  await unshare(alice.identity, { timeline: note, from: carol.address });
  await alice.sync(note);
  await codeOf(carol.sync(note));
  expect(kinds(events, "resumed")).toEqual([]);
  expect((await world.receiver.tip(note)).data).not.toHaveProperty("i");
  await world.close();
});

test("a connection that is lost at any message: the next saga converges, and nothing is left", async () => {
  const handshake = 5; // what is lost in that is told in lost.test.ts
  const bench = await openCuttable("any");
  const { lab, cut, alice, bob } = bench;
  const codes = new Set<string>();
  for (let at = handshake; at < handshake + 16; at++) {
    const roots = await tell("portions", bench, alice);
    let left = at;
    const { sender } = tapped(lab, alice, ({ message }) => {
      if (left-- === 0) queueMicrotask(cut);
      return [message];
    });
    codes.add(await codeOf(sender.sync(roots)));
    await sender.disconnect();
    expect(await eventually(() => lab.world.answering.sessionCount === 0)).toBe(true);
    await alice.sync(roots);
    expect(await bob.space.hasMany(roots)).toEqual(roots.map(() => true));
    await expectQuiet(lab);
  }
  expect([...codes].sort()).toEqual(["connection_lost", "none"]);
  expect(kinds(bob.events, "resumed").length).toBeGreaterThan(3);
  await lab.world.close();
});

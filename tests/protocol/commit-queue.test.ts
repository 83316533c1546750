import { beforeEach, describe, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { type Address, addressOf } from "../../src/ibgib/index.js";
import { CommitQueue, type CommitTurn } from "../../src/peer/receiver/commit-queue.js";
import { fakeTimers } from "../transport/timers.js";
import { codeOf } from "./lab.js";
import { turn } from "../waiting.js";

const limits = { commitWaitMs: 1_000, commitHoldMs: 100 };
const patient = new AbortController().signal;
const timeline = (ib: string) => addressOf(ib, "A".repeat(64));
const identity = (name: string) => addressOf(name, "B".repeat(64));
const [note, list, photo] = [timeline("note"), timeline("list"), timeline("photo")];

let clock = fakeTimers();
let queue: CommitQueue;
/** Who got in, in that order. */
let entered: string[];

beforeEach(() => {
  clock = fakeTimers();
  queue = new CommitQueue(limits, clock.timers);
  entered = [];
});

/** Somebody asks for a turn at timelines now. */
async function enter(who: string, timelines: readonly Address[]): Promise<CommitTurn> {
  const place = await queue.enter(identity(who), timelines, patient);
  entered.push(who);
  return place;
}

describe("commits of one timeline", () => {
  test("are served one at a time, first come, first served", async () => {
    const turns = ["alice", "bob", "carol"].map((who) => enter(who, [note]));
    for (const [at, who] of ["alice", "bob", "carol"].entries()) {
      await turn();
      expect(entered.at(-1)).toBe(who);
      (await turns[at]!).release();
    }
    expect(entered).toEqual(["alice", "bob", "carol"]);
    expect(clock.waiting()).toBe(0);
  });

  test("wait for no commit of another timeline, and for none that is done", async () => {
    await enter("alice", [note]);
    (await enter("bob", [list])).release();
    await enter("carol", [list]);
    await enter("dave", []);
    expect(entered).toEqual(["alice", "bob", "carol", "dave"]);
  });
});

describe("commits of several timelines", () => {
  test("come after all who asked for one of them, and before all who ask later", async () => {
    const alice = await enter("alice", [note]);
    const bob = await enter("bob", [list]);
    const carol = enter("carol", [list, note, photo]);
    const dave = enter("dave", [photo]);
    alice.release();
    await turn();
    expect(entered).toEqual(["alice", "bob"]);
    bob.release();
    (await carol).release();
    await dave;
    expect(entered).toEqual(["alice", "bob", "carol", "dave"]);
  });

  test("never wait for each other, in whichever order they name them", async () => {
    const sets = [
      [note, list],
      [list, photo],
      [photo, note],
      [photo, list, note],
      [note],
      [list, note, list],
    ];
    const names = sets.map((_, at) => `${at}`);
    const all = sets.map(async (timelines, at) => (await enter(names[at]!, timelines)).release());
    await Promise.all(all);
    expect(entered).toEqual(names);
    expect(clock.waiting()).toBe(0);
  });
});

describe("commits of one identity", () => {
  test("wait for each other ahead of all else: it has one place at a time in each queue (threat 22)", async () => {
    const eves = Array.from({ length: 8 }, () => queue.enter(identity("eve"), [note], patient));
    const [first] = [await eves[0]!];
    const alice = enter("alice", [note]);
    const other = await queue.enter(identity("eve"), [list], patient); // another queue
    other.release();
    first.hold();
    clock.advance(limits.commitHoldMs);
    (await alice).release();
    expect(entered).toEqual(["alice"]);
    for (const eve of eves) (await eve).release();
    expect(clock.waiting()).toBe(0);
  });
});

describe("who waits too long", () => {
  test("ends in commit_waited, which may be tried again; those behind still wait for those before", async () => {
    const alice = await enter("alice", [note]);
    const bob = codeOf(enter("bob", [note, list]));
    clock.advance(limits.commitWaitMs / 2);
    const [carol, dave] = [enter("carol", [note]), enter("dave", [list])];
    clock.advance(limits.commitWaitMs / 2);
    expect(await bob).toBe("commit_waited");
    expect(new KeysagaError("commit_waited").retryable).toBe(true);
    await turn();
    expect(entered).toEqual(["alice"]); // bob's place is free, and alice has hers
    alice.release();
    await Promise.all([carol, dave]);
    expect(entered.slice(1).sort()).toEqual(["carol", "dave"]);
    expect(clock.waiting()).toBe(0);
  });

  test("does not wait on when its session is over: its place is free at once, and no timer runs", async () => {
    const alice = await enter("alice", [note]);
    const over = new AbortController();
    const bob = codeOf(queue.enter(identity("bob"), [note], over.signal));
    over.abort(new KeysagaError("connection_closed"));
    expect(await bob).toBe("connection_closed");
    expect(clock.waiting()).toBe(0);
    alice.release();
    await enter("carol", [note]);
    expect(await codeOf(queue.enter(identity("bob"), [note], over.signal))).toBe("connection_closed");
  });
});

describe("who came second", () => {
  test("keeps its turn while it brings its branch up to date", async () => {
    const alice = await enter("alice", [note]);
    const bob = enter("bob", [note]);
    alice.hold();
    clock.advance(limits.commitHoldMs - 1);
    await turn();
    expect(alice.isOver()).toBe(false);
    expect(entered).toEqual(["alice"]);
    alice.release();
    await bob;
    expect(clock.waiting()).toBe(0);
  });

  test("keeps it no longer in all, however often it comes second", async () => {
    const alice = await enter("alice", [note]);
    const bob = enter("bob", [note]);
    for (let times = 0; times < 4; times++) {
      expect(alice.isOver()).toBe(false);
      alice.hold();
      clock.advance(limits.commitHoldMs / 4);
    }
    expect(alice.isOver()).toBe(true);
    await bob;
  });

  test("loses it when that takes too long, and has to ask for another", async () => {
    const alice = await enter("alice", [note]);
    const bob = enter("bob", [note]);
    alice.hold();
    clock.advance(limits.commitHoldMs);
    await bob;
    expect(alice.isOver()).toBe(true);
    expect(entered).toEqual(["alice", "bob"]);
  });

  test("may let go more than once: only its own turn ends, and no timer is left", async () => {
    const alice = await enter("alice", [note]);
    alice.hold();
    alice.release();
    alice.release();
    alice.hold(); // its session was over before the commit was
    expect(clock.waiting()).toBe(0);
    expect(alice.isOver()).toBe(true);
    await enter("bob", [note]);
    const carol = codeOf(enter("carol", [note]));
    alice.release();
    clock.advance(limits.commitWaitMs);
    expect(await carol).toBe("commit_waited");
  });
});

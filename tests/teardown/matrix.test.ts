import { getEventListeners } from "node:events";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { orAborted } from "../../src/peer/home/patience.js";
import type { PeerEvent } from "../../src/peer/index.js";
import type { Slices } from "../../src/peer/receiver/slices.js";
import { codeOf } from "../protocol/lab.js";
import { limitsOf, type StoryName } from "../protocol/matrix.js";
import { type Bench, expectConverges, freshRoots, openBench } from "./bench.js";
import { type End, endNames, ends, type Held, storeFails } from "./ends.js";
import { type Column, type Impossible, outcomesOf } from "./outcomes.js";
import { isIdle, type Machine, machines, type Reach, sideOf } from "./states.js";

/** Where each machine is, and who wants to know when it gets somewhere. */
const watched = vi.hoisted(() => ({
  now: new Map<string, string>(),
  entered: (_machine: string, _state: string) => {},
  /** Called before a slice of a chain is granted. */
  slice: () => Promise.resolve(),
}));

/** The module, with the functions that make states watched. */
const watching = vi.hoisted(() => (machine: string, ...names: readonly string[]) => {
  type Made = { readonly kind?: string; readonly state?: { readonly kind: string } };
  return async (importOriginal: () => Promise<Record<string, (...args: unknown[]) => Made>>) => {
    const original = await importOriginal();
    const wrap = (name: string) => {
      return (...args: unknown[]) => {
        const made = original[name]!(...args);
        const kind = made.state?.kind ?? made.kind ?? "";
        const before = watched.now.get(machine);
        watched.now.set(machine, kind);
        if (kind !== before) watched.entered(machine, kind);
        return made;
      };
    };
    return { ...original, ...Object.fromEntries(names.map((name) => [name, wrap(name)])) };
  };
});

vi.mock(
  "../../src/saga/sender-handshake.js",
  watching("sender handshake", "startSenderHandshake", "stepSenderHandshake"),
);
vi.mock(
  "../../src/saga/receiver-handshake.js",
  watching("receiver handshake", "startReceiverHandshake", "stepReceiverHandshake"),
);
vi.mock("../../src/saga/sender-saga.js", watching("sender saga", "startSenderSaga", "stepSenderSaga"));
vi.mock("../../src/saga/receiver-saga.js", watching("receiver saga", "awaitSaga", "stepReceiverSaga"));

vi.mock("../../src/peer/receiver/slices.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/receiver/slices.js")>();
  class HeldSlices extends original.Slices {
    override async next(...[network, frames, signal]: Parameters<Slices["next"]>): Promise<void> {
      await orAborted(watched.slice(), signal);
      await super.next(network, frames, signal);
    }
  }
  return { ...original, Slices: HeldSlices };
});

interface Row {
  readonly machine: Machine;
  readonly state: string;
  readonly reach: Reach;
}
const rows: readonly Row[] = Object.entries(machines).flatMap(([machine, states]) =>
  Object.entries(states).flatMap(([state, reach]) =>
    reach === "over" ? [] : [{ machine: machine as Machine, state, reach }],
  ),
);

let cells = 0;
const left = new Map<string, string[]>();
afterAll(() => {
  console.log(`teardown matrix: ${cells} cells ran; impossible:`);
  for (const [reason, names] of left) console.log(`  ${reason}: ${names.join(", ")}`);
});

describe("each state of both machines, ended in each way, over a network in simulated time (threat 24)", () => {
  test.each(rows)("$machine, $state", async (row) => {
    const { machine, state, reach } = row;
    const bench = await openBench(`${machine} ${state}`);
    const expected = outcomesOf(machine, state, reach);
    const seen: Partial<Record<Column, string>> = {};
    let calls: readonly string[] = [];
    for (const name of endNames) {
      if (leave(row, name, expected[name])) continue;
      const cell = await runCell(bench, row, ends[name]);
      seen[name] = cell.seen;
      calls = [...cell.calls, ...(reach.slow ?? [])];
    }
    if (!leave(row, "a call fails", expected["a call fails"]))
      seen["a call fails"] = onlyOne(await failEach(bench, row, calls));
    const possible = Object.entries(expected).filter(([, outcome]) => typeof outcome === "string");
    expect(seen).toEqual(Object.fromEntries(possible));
    await bench.world.close();
  });
});

/** Counts a cell that cannot be, and says why. */
function leave({ machine, state }: Row, column: Column, outcome: string | Impossible): boolean {
  if (typeof outcome === "string") return false;
  const { impossible } = outcome;
  left.set(impossible, [...(left.get(impossible) ?? []), `${machine} ${state} (${column})`]);
  return true;
}

/** So many of the calls that a state makes fail, once each; which other store call it is, makes little difference. */
const failingCalls = Number(process.env["KEYSAGA_FAILING_CALLS"] ?? 2);

async function failEach(bench: Bench, row: Row, calls: readonly string[]): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const call of calls.slice(-failingCalls))
    seen.push((await runCell(bench, row, storeFails(call))).seen);
  return seen;
}

const onlyOne = (outcomes: readonly string[]) => [...new Set(outcomes)].join(" or ");

/** What came of a cell: what the caller and both watchers were told; and the calls that the state makes. */
interface Outcome {
  readonly seen: string;
  readonly calls: ReadonlySet<string>;
}

async function runCell(bench: Bench, row: Row, end: End): Promise<Outcome> {
  const { alice, bob, time, network } = bench;
  bench.setPing(end.ping ?? false);
  const roots = await freshRoots(bench, row.reach.story);
  const heardBefore = bob.events.length;
  const theirs = () => bob.events.slice(heardBefore);
  const { held, call, calls, events: mine } = await reach(bench, row, roots);

  end.act(held);
  const isOver = () =>
    closings(mine).length > 0 && closings(theirs()).length > 0 && call.code() !== undefined;
  await time.until(isOver, `${row.state} to end`, end.maxMs);
  const told = [mine.length, theirs().length];
  held.release();
  await held.sender.disconnect();
  await held.receiver.close();
  await time.until(() => network.live() === 0, "no connection to be left", 6_000);
  expect([mine.length, theirs().length]).toEqual(told);
  for (const events of [mine, theirs()]) expectToldOnce(events);
  expect(getEventListeners(held.cancel.signal, "abort")).toEqual([]);
  bench.expectNothingLeft();
  await bench.restart();
  await expectConverges(bench, alice, roots);
  cells++;
  return { seen: seenBy(call, endOf(mine), endOf(theirs())), calls };
}

/** A call that was under way is told what the session ended with, but where it was done before. */
function seenBy({ code, wasDone }: Call, mine: string, theirs: string): string {
  if (code() === mine || wasDone) return `${mine} / ${theirs}`;
  return `${code() === "none" ? "done" : `told ${code()}`}, ${mine} / ${theirs}`;
}

/** Brings both sides to where one of them is in the state, and keeps it there. */
async function reach(
  bench: Bench,
  { machine, state, reach: { story, slow = [] } }: Row,
  roots: readonly Address[],
) {
  const side = sideOf(machine);
  const { network, gates, time } = bench;
  const { sender, events } = bench.dialling(
    isIdle({ story }) ? {} : { limits: limitsOf[story as StoryName] ?? {} },
  );
  const cancel = new AbortController();
  const asked = { signal: cancel.signal };
  if (machine.endsWith("saga")) await sender.connect(asked);
  const calls = new Set<string>();
  let isReached = false;
  watched.slice = () => gates.receiver.before("slice");
  watched.entered = (at, kind) => {
    if (isReached && at === machine && kind !== state) gates[side].onCall = () => undefined;
    if (isReached || at !== machine || kind !== state) return;
    isReached = true;
    gates[side].onCall = (name) => calls.add(name);
    if (kind.startsWith("awaiting")) network.newest().hold(side);
    else gates[side].hold();
  };
  if (slow.length > 0) gates[side].hold(...slow);
  if (isIdle({ story })) watched.entered = () => undefined;
  const call = new Call(story === "connected" ? sender.connect(asked) : sender.sync(roots, asked));
  await time.until(() => isReached || call.code() !== undefined, `to be ${state}`);
  await time.until(() => true, "everything else to have happened");
  expect(watched.now.get(machine)).toBe(state);
  const release = () => {
    for (const gate of Object.values(gates)) gate.release();
    network.newest().release();
  };
  call.wasDone = call.code() !== undefined;
  const next = () => call.behind(() => sender.sync(roots));
  const held: Held = { bench, side, sender, receiver: bench.receiver(), cancel, release, next };
  return { held, call, events, calls };
}

/** A call, or where that succeeds the one behind it, and how it ended. */
class Call {
  #told: string | undefined;
  readonly #first: Promise<string>;
  /** Was it over before anything was done to the session? */
  wasDone = false;

  constructor(first: Promise<unknown>) {
    this.#first = this.#watch(first);
  }

  readonly code = () => this.#told;

  behind(another: () => Promise<unknown>): void {
    this.wasDone = false;
    this.#told = undefined;
    void this.#first.then((code) => {
      if (code === "none") void this.#watch(another());
    });
  }

  #watch(call: Promise<unknown>): Promise<string> {
    this.#told = undefined;
    return codeOf(call).then((code) => {
      this.#told = code;
      return code;
    });
  }
}

type Closed = Extract<PeerEvent, { kind: "closed" }>;
const closings = (events: readonly PeerEvent[]) =>
  events.filter((event): event is Closed => event.kind === "closed");
const endOf = (events: readonly PeerEvent[]) => closings(events)[0]?.error?.code ?? "none";

/** One end of the session, one of each saga, and nothing behind. */
function expectToldOnce(events: readonly PeerEvent[]): void {
  expect(closings(events)).toHaveLength(1);
  expect(events.at(-1)?.kind).toBe("closed");
  const ofSagas = (...kinds: readonly string[]) =>
    events.flatMap((event) =>
      kinds.includes(event.kind) && "saga" in event && !("timeline" in event) ? [event.saga] : [],
    );
  const ended = ofSagas("durable", "refused");
  expect(new Set(ended).size).toBe(ended.length);
  expect(ended).toEqual(expect.arrayContaining(ofSagas("started")));
}

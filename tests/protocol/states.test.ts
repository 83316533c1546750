import { beforeAll, describe, expect, test, vi } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createSender, openIdentity, type Sender } from "../../src/peer/index.js";
import type {
  ReceiverHandshakeEvent,
  ReceiverHandshakeState,
  ReceiverSagaEvent,
  ReceiverSagaState,
  SenderHandshakeEvent,
  SenderHandshakeState,
  SenderSagaEvent,
  SenderSagaState,
} from "../../src/saga/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import { signOften } from "../scenarios/turns.js";
import { delays, openLab, spaceWith, tapped } from "./lab.js";
import { benchOf, inPortions, tell } from "./matrix.js";

type Kinded = { readonly kind: string };
type Step = { readonly state: Kinded; readonly effects: readonly unknown[] };
type Machine = "sender handshake" | "receiver handshake" | "sender saga" | "receiver saga";

/** One step of a machine as it happened in a real session, and the machine itself to repeat it with. */
interface Recorded {
  readonly state: Kinded;
  readonly event: Kinded;
  readonly again: (state: Kinded, event: Kinded) => Step;
}
const recorded = vi.hoisted(() => new Map<string, Recorded[]>());

/** The module with its one step function wrapped: every step that peers make with it is kept. */
const recording = vi.hoisted(() => (machine: string, name: string) => {
  return async (importOriginal: () => Promise<Record<string, unknown>>) => {
    const original = await importOriginal();
    const step = original[name] as (...args: unknown[]) => Step;
    const wrapped = (...args: unknown[]) => {
      const [state, event] = args.slice(-2) as [Kinded, Kinded];
      const own = args.slice(0, -2);
      const steps = recorded.get(machine) ?? [];
      recorded.set(machine, steps);
      steps.push({ state, event, again: (s, e) => step(...own, s, e) });
      return step(...args);
    };
    return { ...original, [name]: wrapped };
  };
});

vi.mock("../../src/saga/sender-handshake.js", recording("sender handshake", "stepSenderHandshake"));
vi.mock("../../src/saga/receiver-handshake.js", recording("receiver handshake", "stepReceiverHandshake"));
vi.mock("../../src/saga/sender-saga.js", recording("sender saga", "stepSenderSaga"));
vi.mock("../../src/saga/receiver-saga.js", recording("receiver saga", "stepReceiverSaga"));

/**
 * Real sessions that between them bring the machines into every state: push, pull, offer, slow stores, a race, and two
 * identities that do not fit one message.
 */
beforeAll(async () => {
  const before = (method: string) => (method === "stage" ? wait() : undefined);
  const wait = delays("slow stages", 4);
  const oftener = sagaLimits.framesShownMax + 1;
  const lab = await openLab("states", {
    senders: ["alice", "carol"],
    around: (space) => spaceWith(space, { before }),
    earlier: (bob) => signOften(bob, oftener),
    limits: { ...inPortions, comparedMin: 2 },
  });
  const bench = benchOf(lab);
  await signOften(bench.alice, oftener);
  const { sender } = tapped(lab, bench.alice);
  await sender.connect();
  await race(lab, bench);
  for (const story of [
    "pull",
    "big pull",
    "compared",
    "portions",
    "branches",
    "big diverged",
    "note",
  ] as const)
    await sender.sync(await tell(story, bench, bench.alice));
  await sender.disconnect();
  await lab.world.close();
});

/**
 * Two sagas over one timeline, and two connections of one lane, by processes of one home: one finds that the other was
 * there first.
 */
async function race(
  lab: Awaited<ReturnType<typeof openLab>>,
  bench: ReturnType<typeof benchOf>,
): Promise<void> {
  const { alice } = bench;
  for (let i = 0; i < 3; i++) {
    const [note] = await tell("note", bench, alice);
    const { space } = alice.identity;
    const { secretFor } = internalsOf(alice.identity);
    const { platform, world } = lab;
    const senders: Sender[] = [];
    for (let process = 0; process < 3; process++) {
      const identity = await openIdentity({ space, secret: secretFor("vouch"), platform });
      senders.push(
        createSender({ identity, dial: world.dial, audience: world.audience, access: "open", platform }),
      );
    }
    await Promise.allSettled(senders.map((one) => one.sync([note!])));
    await Promise.all(senders.map((one) => one.disconnect()));
  }
}

/** What an event does in a state: the next state's kind, "stays", or the code that it fails with. */
type Row<Event extends Kinded> = Readonly<Record<Event["kind"] | "late tick", string>>;
type Table<State extends Kinded, Event extends Kinded> = Readonly<Record<State["kind"], Row<Event>>>;

/** The code of the `failed` event, and of the state made by it. */
const failure = "aborted";
/** What arrives after the end changes nothing. */
const over = "stays";
const no = "out_of_turn";
const ticking = { failed: failure, tick: "stays" } as const;

const noHello: Row<SenderHandshakeEvent> = {
  ...ticking,
  hello: no,
  standingLoaded: no,
  frames: no,
  challenge: no,
  reserved: no,
  ready: no,
  "late tick": "handshake_timeout",
};
const senderHandshake: Table<SenderHandshakeState, SenderHandshakeEvent> = {
  awaitingHello: { ...noHello, hello: "loadingStanding" },
  loadingStanding: { ...noHello, standingLoaded: "awaitingChallenge" },
  awaitingChallenge: { ...noHello, frames: "stays", challenge: "reserving" },
  // What is reserved is signed: the receiver's own clock ends it where it takes too long.
  reserving: { ...noHello, reserved: "awaitingReady", "late tick": "stays" },
  awaitingReady: { ...noHello, ready: "ready" },
  ready: all(noHello, over),
  failed: all(noHello, over),
};

const noOpen: Row<ReceiverHandshakeEvent> = {
  ...ticking,
  open: no,
  knownLoaded: no,
  frames: no,
  connect: no,
  turn: no,
  screened: no,
  sliceGranted: no,
  admitted: no,
  sessionStored: no,
  knownMoved: no,
  "late tick": "handshake_timeout",
};
const receiverHandshake: Table<ReceiverHandshakeState, ReceiverHandshakeEvent> = {
  awaitingOpen: { ...noOpen, open: "loadingKnown" },
  loadingKnown: { ...noOpen, knownLoaded: "awaitingConnect" },
  awaitingConnect: { ...noOpen, frames: "stays", connect: "admitting" },
  screening: { ...noOpen, screened: "checking", turn: "stays" },
  checking: { ...noOpen, sliceGranted: "admitting", turn: "stays" },
  admitting: { ...noOpen, admitted: "storing", turn: "stays" },
  storing: { ...noOpen, sessionStored: "ready", knownMoved: "admitting", turn: "stays" },
  ready: all(noOpen, over),
  failed: all(noOpen, over),
};

const noAck: Row<SenderSagaEvent> = {
  ...ticking,
  planned: no,
  alike: no,
  payload: no,
  ack: no,
  compared: no,
  branch: no,
  resolved: no,
  wants: no,
  moved: no,
  portionSent: no,
  staged: no,
  recordsSent: no,
  receipt: no,
  spaceCommitted: no,
  credit: "stays",
  "late tick": "stays",
  // One of the payload frames that are being staged; which other state that is, makes no difference.
  payloadStaged: "stays",
};
const senderSaga: Table<SenderSagaState, SenderSagaEvent> = {
  planning: { ...noAck, planned: "awaitingAck" },
  awaitingAlike: { ...noAck, alike: "awaitingAck", "late tick": "turn_timeout" },
  awaitingAck: {
    ...noAck,
    payload: "stays",
    ack: "resolving",
    "late tick": "turn_timeout",
  },
  comparing: { ...noAck, compared: "awaitingBranch" },
  awaitingBranch: { ...noAck, payload: "stays", branch: "gathering", "late tick": "turn_timeout" },
  gathering: { ...noAck, payloadStaged: "resolving" },
  resolving: { ...noAck, resolved: "sending" },
  awaitingWants: { ...noAck, wants: "sending", "late tick": "turn_timeout" },
  sending: { ...noAck, portionSent: "awaitingStaged", recordsSent: "awaitingReceipt" },
  awaitingStaged: { ...noAck, staged: "sending", "late tick": "turn_timeout" },
  awaitingReceipt: {
    ...noAck,
    payload: "stays",
    moved: "gathering",
    receipt: "committing",
    "late tick": "turn_timeout",
  },
  committing: { ...noAck, spaceCommitted: "committed" },
  committed: all(noAck, over),
  failed: all(noAck, over),
};

const noInit: Row<ReceiverSagaEvent> = {
  ...ticking,
  ranges: no,
  setLoaded: no,
  init: no,
  compared: no,
  recordsSent: no,
  payload: no,
  payloadStaged: "stays",
  ask: no,
  branchesRead: no,
  offer: no,
  chosen: no,
  delta: no,
  commit: no,
  spaceCommitted: no,
  spaceMoved: no,
  credit: "stays",
  "late tick": "stays",
};
const receiverSaga: Table<ReceiverSagaState, ReceiverSagaEvent> = {
  awaitingInit: {
    ...noInit,
    ranges: "loadingSet",
    init: "comparing",
    payloadStaged: no,
    "late tick": "turn_timeout",
  },
  loadingSet: { ...noInit, setLoaded: "awaitingRanges", payloadStaged: no },
  awaitingRanges: {
    ...noInit,
    ranges: "stays",
    init: "comparing",
    payloadStaged: no,
    "late tick": "turn_timeout",
  },
  comparing: { ...noInit, compared: "awaitingCommit", payloadStaged: no },
  sending: { ...noInit, recordsSent: "awaitingCommit" },
  awaitingCommit: {
    ...noInit,
    payload: "stays",
    ask: "readingBranches",
    offer: "choosing",
    delta: "covering",
    commit: "settling",
    "late tick": "turn_timeout",
  },
  readingBranches: { ...noInit, branchesRead: "sending" },
  choosing: { ...noInit, chosen: "awaitingCommit" },
  covering: { ...noInit, payloadStaged: "awaitingCommit" },
  settling: { ...noInit, payloadStaged: "committing" },
  committing: { ...noInit, spaceCommitted: "awaitingInit", spaceMoved: "sending" },
  failed: all(noInit, over),
};

function all<Event extends Kinded>(row: Row<Event>, outcome: string): Row<Event> {
  return Object.fromEntries(Object.keys(row).map((event) => [event, outcome])) as Row<Event>;
}

const tables: Record<Machine, Readonly<Record<string, Readonly<Record<string, string>>>>> = {
  "sender handshake": senderHandshake,
  "receiver handshake": receiverHandshake,
  "sender saga": senderSaga,
  "receiver saga": receiverSaga,
};

describe.each(Object.entries(tables))("the %s: every state by every event", (machine, table) => {
  const cells = Object.entries(table).flatMap(([state, row]) =>
    Object.entries(row).map(([event, outcome]) => [state, event, outcome] as const),
  );

  test.each(cells)("%s, %s: %s", (state, event, outcome) => {
    const steps = recorded.get(machine) ?? [];
    const [from, happened, again] = sampleOf(steps, state, event);
    const step = again(frozen(from), frozen(happened));
    expect(outcomeOf(step, from)).toBe(outcome);
    expect(JSON.stringify(again(from, happened))).toBe(JSON.stringify(step));
    if (outcome === over && ["ready", "committed", "failed"].includes(state)) expect(step.state).toBe(from);
    if (outcome !== "stays" && step.state.kind === "failed") expect(step.effects).toEqual([]);
  });
});

/** The step as it happened, where it did; else a state and an event that happened in other company. */
function sampleOf(steps: readonly Recorded[], state: string, event: string) {
  const [any] = steps;
  const real = steps.findLast((step) => step.state.kind === state && step.event.kind === event);
  if (real && event !== "payloadStaged") return [real.state, real.event, real.again] as const;
  const from = event === "payloadStaged" ? whileStaging(stateOf(steps, state), 1) : stateOf(steps, state);
  const happened = madeEvents[event] ?? steps.find((step) => step.event.kind === event)?.event;
  if (!any || !happened) throw new Error(`no session has had ${event}`);
  return [from, happened, any.again] as const;
}

/** The state with so many payload frames being staged, where it is one that stages. */
function whileStaging(state: Kinded, staging: number): Kinded {
  const busy = { ...state, staging };
  return "staging" in state ? busy : state;
}

test("a delta that covers no records is out of turn", () => {
  const steps = recorded.get("receiver saga") ?? [];
  const step = steps.find(({ event }) => event.kind === "delta") ?? expect.fail("no session has had a delta");
  const { state } = step.again({ ...step.state, uncovered: false } as Kinded, step.event);
  expect(outcomeOf({ state, effects: [] }, step.state)).toBe(no);
});

test("what was never begun cannot have been staged", () => {
  for (const machine of ["sender saga", "receiver saga"]) {
    const steps = recorded.get(machine) ?? [];
    for (const { state, again } of steps.filter((step) => "staging" in step.state)) {
      const { state: next } = again(whileStaging(state, 0), { ...steps[0]!.event, kind: "payloadStaged" });
      expect(outcomeOf({ state: next, effects: [] }, state)).toBe(no);
    }
  }
});

function stateOf(steps: readonly Recorded[], kind: string): Kinded {
  const [any] = steps;
  const held = steps.find((step) => step.state.kind === kind)?.state;
  if (held || !any) return held ?? expect.fail("nothing was recorded");
  if (kind === "failed") return any.again(any.state, madeEvents["failed"]!).state;
  const reached = steps.map((step) => step.again(step.state, step.event).state);
  return reached.find((state) => state.kind === kind) ?? expect.fail(`no session was ever ${kind}`);
}

const madeEvents: Readonly<Record<string, Kinded & Readonly<Record<string, unknown>>>> = {
  failed: { kind: "failed", error: new KeysagaError(failure) },
  tick: { kind: "tick", now: 0 },
  "late tick": { kind: "tick", now: Number.MAX_SAFE_INTEGER },
};

function outcomeOf({ state }: Step, from: Kinded): string {
  if (state.kind === from.kind) return "stays";
  return "error" in state && state.error instanceof KeysagaError ? state.error.code : state.kind;
}

/** Frozen to the bottom, so that a step that changes what it was given throws. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value))
    return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
  return value;
}

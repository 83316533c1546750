import "./spies.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { canonicalJson } from "../../src/base/index.js";
import {
  type ReceiverHandshakeState,
  type ReceiverSelf,
  stepReceiverHandshake,
} from "../../src/saga/index.js";
import type { Message } from "../../src/transport/index.js";
import { ledger } from "../one-time/ledger.js";
import type { Cast } from "./cast.js";
import { type Corpus, gather, pickForeign, pickRecording } from "./corpus.js";
import { Ear, isOurFault, keepsTurns, selfOf, type Verdict } from "./ear.js";
import { forged } from "./forgeries.js";
import { mutated } from "./frame-mutations.js";
import { growthOver } from "./heap.js";
import type { Moment } from "./notes.js";
import { CaseFailed, casesOf, seed, Tally } from "./plan.js";
import { Choices } from "./random.js";
import type { Line, Recording } from "./recording.js";

let corpus: Corpus;
const selves = new Map<Cast, ReceiverSelf>();
let tally: Tally;
const places = new Set<string>();

beforeAll(async () => {
  corpus = await gather(seed);
  for (const { cast, moments } of corpus.recordings) {
    selves.set(cast, await selfOf(cast));
    for (const moment of moments) freeze(moment);
  }
  tally = new Tally();
});

afterAll(() => {
  tally.tell("machines", `${places.size} states`);
});

const cases = casesOf("machines");

test(`${cases.length} messages, gone wrong, to both machines of both sides in every state (threat 23)`, {
  timeout: 3_600_000,
}, async () => {
  expect(await growthOver(cases, runCase)).toBeLessThan(cases.length > 1_000 ? 1.1 : 2);
  expect(places.size).toBeGreaterThan(cases.length > 10_000 ? 25 : 0);
});

/** A message for one moment, and whether its speaker has signed what it says. */
interface Said {
  readonly what: string;
  readonly message: Message;
  readonly isSigned: boolean;
}

function runCase(at: number): void {
  ledger().anew();
  const choices = new Choices(seed, at);
  const recording = pickRecording(corpus, choices);
  const moment = choices.pick(recording.moments)!;
  const { line, said } = say(recording, moment, choices);
  const place = placeOf(moment);
  places.add(place);
  try {
    const ear = new Ear(moment, selves.get(recording.cast)!, recording.cast.rita.stand.clock.now());
    const verdict = ear.hear(said.message);
    judge(recording, moment, said, verdict);
    if (verdict.kind === "taken" && verdict.as === "payload" && !said.isSigned)
      refusesWhatCovers(recording, line, said, ear);
    tally.add(`${said.what}, ${verdict.kind}`);
  } catch (wrong) {
    throw new CaseFailed("machines", at, `${recording.name}, ${place}, ${said.what}`, wrong);
  }
}

const placeOf = ({ side, handshake, saga }: Moment) => `${side} ${handshake.kind} ${saga?.kind ?? ""}`;

/** What is said at a moment: what belongs there, gone wrong, or what belongs elsewhere. */
function say(recording: Recording, moment: Moment, choices: Choices): { line: Line; said: Said } {
  const toThis = recording.lines.filter(({ to }) => to === moment.side);
  const expected = toThis[moment.heard];
  const line =
    expected && choices.chance(0.7)
      ? expected
      : choices.chance(0.6)
        ? choices.pick(toThis)!
        : pickForeign(corpus, choices);
  if (choices.chance(0.4)) {
    const forgery = forged(recording, line, choices, corpus.around);
    if (forgery) return { line, said: { what: forgery.what, message: forgery.text, isSigned: true } };
  }
  if (choices.chance(0.15)) {
    const isGenuine = line === expected;
    return { line, said: { what: "as it was said", message: line.message, isSigned: isGenuine } };
  }
  const message = mutated(line.message, choices, corpus.around);
  return { line, said: { what: "mutated", message, isSigned: false } };
}

/** What nobody has signed is never taken for somebody's word, and what is wrong is wrong with a code of the table. */
function judge(recording: Recording, moment: Moment, said: Said, verdict: Verdict): void {
  if (verdict.kind === "refused") {
    if (isOurFault(verdict.error.code)) throw verdict.error.cause ?? verdict.error;
    return;
  }
  if (said.isSigned || isGenuine(recording, moment, said.message)) return;
  if (verdict.as === "turn" && !isKept(moment)) throw new Error("an unsigned turn was taken");
  if (verdict.as === "challenge") throw new Error("an unsigned challenge was taken");
  if (verdict.as === "ready") throw new Error("another's ready was taken");
  if (verdict.as === "connect") onlyShownFrames(recording, verdict.by);
}

/** A receiver keeps one turn, unread, while it takes in who speaks. */
const isKept = ({ handshake }: Moment) => keepsTurns.includes(handshake.kind);

/** What a side is about to hear may have been under way when the moment was noted; credit comes beside what is said. */
function isGenuine({ lines }: Recording, { side, heard }: Moment, message: Message): boolean {
  const toThis = lines.filter(({ to }) => to === side);
  const next = toThis.findIndex((line, at) => at >= heard && !isCredit(line.message));
  const due = toThis.slice(Math.max(0, heard - 2), next < 0 ? undefined : next + 1);
  return due.some((line) => meaningOf(line.message) === meaningOf(message));
}

const isCredit = (message: Message) => typeof message === "string" && message.startsWith('{"type":"credit"');

/** Members of a message may stand in any order. */
function meaningOf(message: Message): unknown {
  if (typeof message !== "string") return message;
  try {
    return canonicalJson(JSON.parse(message));
  } catch {
    return message;
  }
}

/** A connect may leave out, or repeat, what the receiver need not see; it brings in nothing that was not signed. */
function onlyShownFrames({ cast, signings, lines }: Recording, moment: Moment): void {
  const handshake = behindSlices(selves.get(cast)!, moment.handshake as ReceiverHandshakeState);
  if (handshake.kind === "failed") return;
  if (handshake.kind !== "admitting") throw new Error("not admitting");
  const shown = lines.map(({ message }) => (typeof message === "string" ? message : "")).join();
  const signed = new Set(signings.map(({ frame }) => frame.gib));
  const { shown: newly, lane } = handshake.accepted;
  for (const { gib } of [...newly.fresh, lane.first, lane.newest])
    expect(signed.has(gib) || shown.includes(gib)).toBe(true);
}

/** What becomes of a long chain when it has been checked. */
function behindSlices(self: ReceiverSelf, handshake: ReceiverHandshakeState): ReceiverHandshakeState {
  let state = handshake;
  while (state.kind === "screening" || state.kind === "checking") {
    const kind = state.kind === "screening" ? "screened" : "sliceGranted";
    state = stepReceiverHandshake(self, state, { kind }).state;
  }
  return state;
}

/** No turn covers a payload that is not the one its speaker has sent. */
function refusesWhatCovers({ lines }: Recording, line: Line, said: Said, ear: Ear): void {
  const at = lines.indexOf(line);
  if (at < 0 || (typeof said.message !== "string" && Buffer.from(line.message).equals(said.message))) return;
  const rest = lines.slice(at + 1).filter(({ to }) => to === line.to);
  const turn = rest.find(
    ({ message }) => typeof message === "string" && message.startsWith('{"type":"turn"'),
  );
  if (!turn) return;
  for (const { message } of rest.slice(0, rest.indexOf(turn) + 1)) {
    const verdict = ear.hear(message);
    if (verdict.kind === "refused") {
      if (isOurFault(verdict.error.code)) throw verdict.error.cause ?? verdict.error;
      return;
    }
  }
  throw new Error("a turn was taken over a payload that it does not cover");
}

/** A machine that writes to its state, or to what it was told, throws from now on. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value))
    return;
  Object.freeze(value);
  for (const member of value instanceof Map || value instanceof Set ? value.values() : Object.values(value))
    freeze(member);
}

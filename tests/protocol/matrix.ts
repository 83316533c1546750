import { expect } from "vitest";
import { errorTable, isErrorCode, KeysagaError, toHex } from "../../src/base/index.js";
import type { Address } from "../../src/ibgib/index.js";
import type { PeerEvent } from "../../src/peer/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import type { Passing, Peer, SenderPeer, Tap, TapRule, TapSide } from "../../src/testing/index.js";
import type { Message } from "../../src/transport/index.js";
import { signOften } from "../scenarios/turns.js";
import { type FaultName, type MessageName, misdo, nameOf } from "./faults.js";
import { contentsOf, type Lab, tapped } from "./lab.js";
import { until } from "../waiting.js";

/** What is synced in a row: each story makes its message travel. */
export type StoryName =
  | "note"
  | "branches"
  | "pull"
  | "big"
  | "portions"
  | "big pull"
  | "many"
  | "many pull"
  | "newcomer"
  | "often shared"
  | "diverged"
  | "big diverged"
  | "compared";

/** One message of the protocol on its way to one side. */
export interface Row {
  readonly name: MessageName;
  readonly to: TapSide;
  readonly story: StoryName;
}

/** Of the five stones of the story "portions", two make one. */
export const inPortions = { deltaBytes: 300 };

/** The limits under which a story takes its messages. */
export const limitsOf: Partial<Readonly<Record<StoryName, Readonly<Record<string, number>>>>> = {
  portions: inPortions,
  compared: { comparedMin: 2 },
};

/** A lab with its cast: alice's messages are tampered with; carol's honest ones are what eve recorded. */
export interface Bench {
  readonly lab: Lab;
  readonly alice: SenderPeer;
  readonly carol: SenderPeer;
  readonly bob: Peer;
}

/** What a story needs of a bench. */
export type Stage = Omit<Bench, "lab"> & { readonly lab: Pick<Lab, "platform"> };

export function benchOf(lab: Lab): Bench {
  const [alice, carol] = lab.world.senders;
  return { lab, alice: alice!, carol: carol!, bob: lab.world.receiver };
}

/** Makes fresh content that `who` and the receiver do not share, so that a sync of it takes the row's message. */
export async function tell(story: StoryName, bench: Stage, who: SenderPeer): Promise<readonly Address[]> {
  const { lab, bob } = bench;
  const big = (of: Peer) => manyStones(of, lab, 5, 150_000);
  switch (story) {
    case "often shared":
      await signOften(who, sagaLimits.framesShownMax + 1);
      return tell("note", bench, who);
    case "newcomer":
    case "note": {
      const note = await who.timeline("note", { data: { text: "first" } });
      await who.edit(note, { text: "second" }, { text: "third" });
      return [note];
    }
    case "branches": {
      const leaf = await manyStones(who, lab, 6, 8);
      return [await who.stone("root", { rel8ns: { leaf: [...leaf] } })];
    }
    case "pull": {
      const theirs = await bob.timeline("theirs");
      await bob.edit(theirs, { hand: "bob" });
      return [theirs];
    }
    case "big":
      return big(who);
    case "portions":
      return manyStones(who, lab, 5, 100);
    case "big pull":
      return big(bob);
    case "diverged":
      return [await diverged(bench, who, 2, 8)];
    case "big diverged":
      return [await diverged(bench, who, 5, 150_000)];
    case "compared": {
      const folder = await who.timeline("folder");
      const within = [
        await who.timeline("one", { within: folder }),
        await who.timeline("other", { within: folder }),
      ];
      await who.sync(folder);
      await who.edit(within[0]!, { text: "new" });
      return [folder];
    }
    case "many":
      return manyStones(who, lab, 520, 8);
    case "many pull":
      return manyStones(bob, lab, 520, 8);
  }
}

/** A note that both sides know and have edited since, each as often, with texts of so many characters. */
async function diverged(
  { lab, bob }: Stage,
  who: SenderPeer,
  edits: number,
  characters: number,
): Promise<Address> {
  const note = await who.timeline("note", { data: { text: "first" } });
  await who.sync(note);
  for (const peer of [who, bob]) {
    for (let i = 0; i < edits; i++)
      await peer.edit(note, { [peer.name]: toHex(lab.platform.random.bytes(characters / 2)) });
  }
  return note;
}

function manyStones(
  of: Peer,
  { platform }: Pick<Lab, "platform">,
  count: number,
  bytes: number,
): Promise<Address[]> {
  const texts = Array.from({ length: count }, () => toHex(platform.random.bytes(bytes / 2)));
  return Promise.all(texts.map((text) => of.stone("leaf", { data: { text } })));
}

/** What an honest session of carol says, by direction and message. */
export async function record(
  bench: Bench,
  story: StoryName,
): Promise<(to: TapSide, name: MessageName) => Message | undefined> {
  const { sender, tap } = tapped(bench.lab, bench.carol);
  await sender.sync(await tell(story, bench, bench.carol));
  await sender.disconnect();
  return (to, name) => tap.said.find((said) => said.to === to && nameOf(said.message) === name)?.message;
}

/** What came of a cell. */
export interface Outcome {
  /** The side that saw the fault and its code, as in "receiver malformed_message". */
  readonly seen: string;
  /** The receiver had verified the whole saga before: its content is of no use for another cell. */
  readonly isSpent: boolean;
}

/**
 * Runs one sync of alice in which one message arrives wrong, checks everything that has to hold whatever the fault,
 * and says who saw it.
 */
export async function runCell(
  bench: Bench,
  row: Row,
  fault: FaultName,
  roots: readonly Address[],
  foreign: Message | undefined,
): Promise<Outcome> {
  const { lab, alice, bob } = bench;
  const before = { alice: await contentsOf(alice.space), bob: await contentsOf(bob.space) };
  const heardBefore = bob.events.length;
  const eve = eveFor(row, fault, foreign);
  const { sender, tap, events } = tapped(lab, alice, eve.rule);

  const outcome = await sender.sync(roots).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (outcome !== undefined) expect(outcome).toBeInstanceOf(KeysagaError);
  eve.lateWord((message) => tap.inject(row.to, message));
  const theirs = () => bob.events.slice(heardBefore);
  await until(() => closings(events).length > 0 && closings(theirs()).length > 0, "both sides to end");
  await until(() => lab.timersRunning() === 0, "no timer to run");
  expect(lab.staged()).toEqual([]);
  expect(lab.world.answering.sessionCount).toBe(0);
  expect([closings(events).length, closings(theirs()).length]).toEqual([1, 1]);
  await expectNothingHalf(bench, before, { mine: events, theirs: theirs() }, tap);
  const seen = seenBy({ sender: closings(events)[0]?.error, receiver: closings(theirs())[0]?.error });
  expectOnlyCodes(tap.said, seen, { sender: isReady(events), receiver: isReady(theirs()) });
  return { seen: `${seen.side} ${seen.code}`, isSpent: heardTurn(theirs(), "commit") };
}

/** The man in the middle of one cell. */
function eveFor({ name, to }: Row, fault: FaultName, foreign: Message | undefined) {
  let held: Message | undefined;
  let isDone = false;
  const rule: TapRule = ({ to: side, message }) => {
    if (side !== to) return [message];
    if (held !== undefined) {
      if (isDone || fault !== "out of turn") return [message];
      isDone = true;
      return [message, held];
    }
    const isIt = name === "error" ? isText(message, "turn") : nameOf(message) === name;
    if (!isIt) return [message];
    held = name === "error" ? JSON.stringify({ type: "error", code: "sync_error" }) : message;
    return misdo(fault, held, foreign);
  };
  /** Where nothing followed it, the message comes once more at the end. */
  const lateWord = (say: (message: Message) => void) => {
    if (fault === "out of turn" && !isDone && held !== undefined) say(held);
  };
  return { rule, lateWord };
}

const isText = (message: Message, type: string) =>
  typeof message === "string" && message.startsWith(`{"type":"${type}"`);

const sides = ["receiver", "sender"] as const;

type Closed = Extract<PeerEvent, { kind: "closed" }>;
const closings = (events: readonly PeerEvent[]) =>
  events.filter((event): event is Closed => event.kind === "closed");
const isReady = (events: readonly PeerEvent[]) => events.some(({ kind }) => kind === "connected");
const heardTurn = (events: readonly PeerEvent[], type: string) =>
  events.some((event) => event.kind === "turn" && event.type === type);

type Contents = Awaited<ReturnType<typeof contentsOf>>;

/**
 * A graph changes whole, and only behind a turn that was verified; proofs and cells change only where the message
 * that allows it arrived as it was said: a challenge at the sender (which then reserves), a connect at the receiver,
 * each with the frames that go ahead of it.
 */
async function expectNothingHalf(
  { alice, bob }: Bench,
  before: { alice: Contents; bob: Contents },
  { mine, theirs }: { mine: readonly PeerEvent[]; theirs: readonly PeerEvent[] },
  tap: Tap,
): Promise<void> {
  const [atAlice, atBob] = [await contentsOf(alice.space), await contentsOf(bob.space)];
  if (!heardTurn(theirs, "commit")) expect(atBob.graph).toEqual(before.bob.graph);
  if (!heardTurn(mine, "receipt")) expect(atAlice.graph).toEqual(before.alice.graph);
  if (!cameThrough(tap, "receiver", "connect")) expect(atBob).toEqual(before.bob);
  if (!cameThrough(tap, "sender", "challenge")) expect(atAlice).toEqual(before.alice);
}

function cameThrough({ said, heard }: Tap, to: TapSide, name: "connect" | "challenge"): boolean {
  const genuine = said.filter(
    ({ to: side, message }) => side === to && (isText(message, name) || isText(message, "frames")),
  );
  const isHeard = (message: Message) => heard.some((one) => one.message === message);
  return (
    genuine.some(({ message }) => isText(message, name)) && genuine.every(({ message }) => isHeard(message))
  );
}

/**
 * Exactly one side finds the fault; the other is told, or finds the connection closed. A payload frame that was put in is
 * granted credit for, before anything signed shows that it does not belong: that is noticed where nobody sent it, too.
 */
function seenBy(errors: Record<TapSide, KeysagaError | undefined>): { side: TapSide; code: string } {
  const isOwn = (error: KeysagaError | undefined) =>
    error !== undefined && error.facts["told"] === undefined && !error.code.startsWith("connection_");
  const found = sides.filter((side) => isOwn(errors[side]));
  const own = found.length === 1 ? found : found.filter((side) => errors[side]?.facts["got"] !== "credit");
  const told = sides.filter((side) => errors[side]?.facts["told"] !== undefined);
  const [side] = own.length > 0 ? own : told;
  if (!side || own.length > 1) throw new Error(`who saw it? ${errors.sender?.code} ${errors.receiver?.code}`);
  return { side, code: `${own.length > 0 ? "" : "is told "}${errors[side]?.code}` };
}

/** What crosses the wire about a failure is one code of the table, and before authentication always the same one. */
function expectOnlyCodes(
  said: readonly Passing[],
  seen: { side: TapSide; code: string },
  ready: Record<TapSide, boolean>,
): void {
  const lastWords = said.filter(({ message }) => isText(message, "error"));
  for (const { to, message } of lastWords) {
    const { type, code, ...rest } = JSON.parse(String(message));
    expect([type, rest]).toEqual(["error", {}]);
    const by = to === "sender" ? "receiver" : "sender";
    if (!ready[by]) expect(code).toBe("auth_fail");
    else if (by === seen.side && isErrorCode(seen.code))
      expect(code).toBe(errorTable[seen.code].tellPeer ? seen.code : "sync_error");
  }
  expect(new Set(lastWords.map(({ to }) => to)).size).toBe(lastWords.length);
}

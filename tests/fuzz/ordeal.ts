import { isErrorCode, KeysagaError } from "../../src/base/index.js";
import type { PeerEvent } from "../../src/peer/index.js";
import { type InnerspacePair, innerspacePair } from "../../src/transport/index.js";
import { ledger } from "../one-time/ledger.js";
import { Attacker, halfOf, settled } from "./attacker.js";
import type { Attack } from "./attacks.js";
import type { Player } from "./cast.js";
import { isOurFault } from "./ear.js";

/** What came of an attack. */
export interface Outcome {
  readonly attack: Attack;
  readonly attacker: Attacker;
  readonly victim: Player;
  /** What the victim's session ended with: a code, or none where it ended in order. */
  readonly ended: string;
  readonly isConnected: boolean;
}

/** So long is no time-out of a session. */
const longMs = 3_600_000;
/** Turns of the event loop in which whatever ends has ended. */
const turnsMax = 200;

/** Brings an attack before a real peer, and sees to it that the peer is as quiet afterwards as if nobody had come. */
export async function undergo(attack: Attack): Promise<Outcome> {
  const { recording, on, exit } = attack;
  const { cast, story, wishes } = recording;
  const victim = on === "receiver" ? cast.rita : cast.sam;
  victim.rewind();
  ledger().anew();
  const pair = innerspacePair(victim.stand);
  const calls = on === "receiver" ? accept(attack, pair) : dial(attack, pair);
  const meanwhile = on === "receiver" ? () => story.meanwhile?.(cast, wishes) : () => undefined;
  const attacker = new Attacker(on === "receiver" ? pair.left : pair.right, attack, meanwhile);
  await attacker.speak();
  await settled();
  if (closings(victim).length === 0) leave(exit, pair, attack, victim);
  await settled();
  if (calls.isOver) calls.disconnect();
  await quiet(attack, victim, calls, attacker);
  const [closing] = closings(victim);
  return {
    attack,
    attacker,
    victim,
    ended: closing?.error?.code ?? "none",
    isConnected: victim.events.some(({ kind }) => kind === "connected"),
  };
}

/** Calls of the embedder that are under way, and what they end with. */
interface Calls {
  isOver: boolean;
  readonly failures: unknown[];
  /** A sender that was given all it asked for stays connected until it is told otherwise. */
  disconnect(): void;
}

function accept({ recording: { cast } }: Attack, { right }: InnerspacePair): Calls {
  cast.receiver.accept(right);
  return { isOver: true, failures: [], disconnect: () => undefined };
}

function dial({ recording: { cast, wishes } }: Attack, { left }: InnerspacePair): Calls {
  const sender = cast.senderOver(left);
  const calls: Calls = { isOver: false, failures: [], disconnect: () => void sender.disconnect() };
  const run = async () => {
    for (const { roots, direction } of wishes) await sender.sync(roots, { direction });
  };
  void run()
    .catch((thrown: unknown) => calls.failures.push(thrown))
    .finally(() => {
      calls.isOver = true;
    });
  return calls;
}

function leave(exit: Attack["exit"], pair: InnerspacePair, { on }: Attack, victim: Player): void {
  const mine = on === "receiver" ? pair.left : pair.right;
  if (exit === "closes") void mine.close();
  else if (exit === "cuts") pair.sever();
  else victim.stand.pass(longMs);
}

const closings = ({ events }: Player) =>
  events.filter((event): event is Extract<PeerEvent, { kind: "closed" }> => event.kind === "closed");

async function quiet(
  { recording: { cast } }: Attack,
  victim: Player,
  calls: Calls,
  attacker: Attacker,
): Promise<void> {
  const left = () => ({
    timers: victim.stand.timersRunning,
    staged: victim.rewindable.staged.size,
    sessions: cast.receiver.sessionCount,
    open: 1 - attacker.closings,
    unfinished: Number(!calls.isOver),
    untold: 1 - closings(victim).length,
  });
  const isQuiet = () => Object.values(left()).every((count) => count === 0);
  // A sender that was told what may be over in a moment waits for that, and begins anew.
  const isWaiting = () => !calls.isOver && closings(victim).length > 0 && victim.stand.timersRunning > 0;
  for (let turn = 0; turn < turnsMax && !isQuiet(); turn++) {
    await settled();
    if (isWaiting()) victim.stand.pass(longMs);
  }
  if (!isQuiet()) throw new Error(`something is left behind: ${JSON.stringify(left())}`);
  for (const failure of calls.failures) if (!(failure instanceof KeysagaError)) throw failure;
}

/** What a peer may be told, whatever it did: words of the protocol, and of an error its code. */
export function expectWords({ attack, attacker, isConnected }: Outcome): void {
  const half = halfOf[attack.on];
  const errors: string[] = [];
  for (const message of attacker.heard) {
    if (typeof message !== "string") continue;
    const said = half.parse(JSON.parse(message));
    if (said.type === "error") errors.push(said.code);
  }
  if (errors.length > 1) throw new Error(`two last words: ${errors}`);
  for (const code of errors) {
    if (!isErrorCode(code)) throw new Error(`a code of no table: ${code}`);
    if (!isConnected && code !== "auth_fail") throw new Error(`a stranger was told ${code}`);
    if (isOurFault(code)) throw new Error(`a peer was told ${code}`);
  }
}

/** An end that is no fault of ours: nothing that a peer says makes a program, or a store, fail. */
export function expectNoFault({ victim }: Outcome): void {
  for (const { error } of closings(victim)) if (error && isOurFault(error.code)) throw error.cause ?? error;
}

import type { Address, IbGib } from "../../src/ibgib/index.js";
import { createSender } from "../../src/peer/index.js";
import type { Conversation } from "../../src/peer/session/conversation.js";
import type { Departure } from "../../src/peer/session/outflow.js";
import { Progress } from "../../src/peer/session/progress.js";
import { FromReceiver, TurnFromReceiver } from "../../src/saga/index.js";
import type { TurnDraft } from "../../src/saga/turn.js";
import { type ReceiverPeer, type SenderPeer, tapDial } from "../../src/testing/index.js";
import type { Message } from "../../src/transport/index.js";
import { eventually } from "../waiting.js";

/** Somebody who signs as it should, and says what it likes. */
export interface Speaker {
  /** Says a turn, and waits for what comes of it. */
  say(draft: TurnDraft): Promise<void>;
  /** @param references Named to stay away, ahead of all of them. */
  send(records: readonly IbGib[], references?: readonly Address[]): Promise<void>;
}

/** What somebody tries with a receiver. */
export type Attempt = (speaker: Speaker) => Promise<void>;

/** The saga that every attempt opens. */
export const saga = "5a".repeat(16);

/**
 * What a receiver answers to an attempt, message by message: all of each, but for signatures and the clock.
 *
 * @param spoken The conversation of the session that was opened last.
 */
export async function answersTo(
  attempt: Attempt,
  who: SenderPeer,
  at: ReceiverPeer,
  spoken: () => Conversation,
): Promise<readonly string[]> {
  const answers: string[] = [];
  let turns = 0;
  const { dial, audience } = at.listening;
  const tap = tapDial(dial, ({ to, message }) => {
    const answer = to === "sender" ? hear(message, spoken) : undefined;
    if (answer === undefined) return [message];
    answers.push(answer);
    if (typeof message === "string") turns += 1;
    return answer.startsWith("error") ? [message] : []; // the sender's own machines know of no saga
  });
  const sender = createSender({ identity: who.identity, dial: tap.dial, audience });
  await sender.connect();
  const conversation = spoken();
  const say = async (draft: TurnDraft) => {
    const before = turns;
    await conversation.send(draft);
    await eventually(() => turns > before || answers.at(-1)?.startsWith("error") === true);
  };
  const send = (records: readonly IbGib[], references: readonly Address[] = []) =>
    conversation.sendRecords(inTurn(records, references), new Progress("attempt", "up", () => undefined));
  try {
    await attempt({ say, send });
  } catch (thrown) {
    if (!answers.at(-1)?.startsWith("error")) throw thrown; // once it is refused, the rest of it goes nowhere
  } finally {
    await sender.disconnect();
  }
  return answers;
}

async function* inTurn(records: readonly IbGib[], references: readonly Address[]): AsyncGenerator<Departure> {
  for (const [at, record] of records.entries()) yield { record, references: at === 0 ? references : [] };
}

/** A turn, payload or last word of the receiver; undefined for what the handshake and the flow control say. */
function hear(message: Message, spoken: () => Conversation): string | undefined {
  if (typeof message !== "string") {
    const { evidence } = spoken().hearPayload(message);
    // Evidence is of sessions with this very receiver.
    return evidence.length > 0 ? "evidence" : `payload ${Buffer.from(message).toString("hex")}`;
  }
  const said = FromReceiver.parse(JSON.parse(message));
  if (said.type === "error") return `error ${said.code}`;
  if (said.type !== "turn") return undefined;
  spoken().hear(said, TurnFromReceiver);
  const { type, saga: _saga, turn: _turn, time: _time, attested: _attested, ...rest } = JSON.parse(said.body);
  return `${type} ${JSON.stringify(rest)}`;
}

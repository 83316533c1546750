import {
  type Dialogue,
  FromReceiver,
  FromSender,
  type Role,
  readPayload,
  signTurn,
  TurnFromReceiver,
  TurnFromSender,
  tallyPayload,
  checkTurn,
} from "../../src/saga/index.js";
import type { Connection, Message } from "../../src/transport/index.js";
import type { Attack, Live } from "./attacks.js";
import { isResting } from "./cast.js";
import { renamedText } from "./frame-mutations.js";
import { isTurn, type Line } from "./recording.js";

/** As many turns of the event loop as it takes until all that waits for nothing but other work is done. */
export async function settled(): Promise<void> {
  do await new Promise<void>((resolve) => setImmediate(resolve));
  while (isResting());
}

/** The attacker's end of a connection, and what it hears there. */
export class Attacker {
  readonly heard: Message[] = [];
  readonly said: Message[] = [];
  closings = 0;
  #dialogue: Dialogue | undefined;
  #live: Live | undefined;
  readonly #role: Role;

  constructor(
    private readonly connection: Connection,
    private readonly attack: Attack,
    /** Runs when an ack has been heard, before anything else is said. */
    private readonly meanwhile: () => Promise<void> | undefined,
  ) {
    this.#role = attack.on === "receiver" ? "sender" : "receiver";
    connection.start({
      message: (message) => this.#hear(message),
      closed: () => {
        this.closings++;
      },
    });
  }

  /** Says its lines, each once it has heard as much as in the recording, for as long as it is answered. */
  async speak(): Promise<void> {
    const { lines, at, instead, isEarly } = this.attack;
    for (const [index, line] of lines.entries()) {
      const isIt = index === at;
      if (!(isIt && isEarly) && !(await this.#isCued(line))) return;
      if (this.closings > 0) return;
      if (isIt) for (const message of instead) this.#say(message);
      else this.#say(index < at ? line.message : this.#wordsFor(line));
      if (isIt && this.attack.live) this.#goOnFrom(this.attack.live);
    }
  }

  async #isCued({ cue }: Line): Promise<boolean> {
    if (this.heard.length < cue) await settled();
    if (this.heard.some((message) => isTurn(message, "ack"))) await this.#meanwhileOnce();
    return this.heard.length >= cue;
  }

  #isMeanwhileOver = false;
  async #meanwhileOnce(): Promise<void> {
    if (this.#isMeanwhileOver) return;
    this.#isMeanwhileOver = true;
    await this.meanwhile();
  }

  #say(message: Message): void {
    this.said.push(message);
    try {
      this.connection.send(message);
    } catch {
      // Nobody listens any more.
    }
  }

  #goOnFrom(live: Live): void {
    this.#dialogue = live.dialogue;
    this.#live = live;
  }

  /** A later line: as it was recorded, or said anew on top of what was said instead. */
  #wordsFor({ message, draft, secretFor }: Line): Message {
    if (!this.#dialogue || !this.#live) return message;
    try {
      if (typeof message !== "string") {
        const frame = this.#live.frames.get(message) ?? message;
        this.#dialogue = tallyPayload(this.#dialogue, this.#role, frame, readPayload(frame));
        return frame;
      }
      if (!draft || !secretFor) return message;
      const words = renamedText(JSON.stringify(draft), this.#live.renamed);
      const { evidence: _ahead, ...said } = JSON.parse(words);
      if (this.#dialogue.voices[this.#role].payload.entries.length > 0) delete said.entries;
      const { signed, dialogue } = signTurn(this.#dialogue, this.#role, said, secretFor);
      this.#dialogue = dialogue;
      return JSON.stringify(signed);
    } catch {
      return message; // what cannot be signed any more is said as it was
    }
  }

  #hear(message: Message): void {
    this.heard.push(message);
    if (this.#dialogue) this.#follow(message);
  }

  /** Takes in what the other side says, so that the next turn stands on it. */
  #follow(message: Message): void {
    if (!this.#dialogue) return;
    try {
      const from: Role = this.#role === "sender" ? "receiver" : "sender";
      if (typeof message !== "string") {
        this.#dialogue = tallyPayload(this.#dialogue, from, message, readPayload(message));
        return;
      }
      const said = JSON.parse(message);
      if (said.type !== "turn") return;
      this.#dialogue =
        from === "receiver"
          ? checkTurn(this.#dialogue, from, said, TurnFromReceiver).dialogue
          : checkTurn(this.#dialogue, from, said, TurnFromSender).dialogue;
    } catch {
      this.#dialogue = undefined; // the two have heard different things
    }
  }
}

/** What one side may say at all. */
export const halfOf = { sender: FromSender, receiver: FromReceiver };

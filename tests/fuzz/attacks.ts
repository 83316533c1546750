import { type Dialogue, type Role, readPayload, signTurn, tallyPayload } from "../../src/saga/index.js";
import type { TapSide } from "../../src/testing/index.js";
import type { Message } from "../../src/transport/index.js";
import { type Corpus, pickForeign, pickRecording } from "./corpus.js";
import { forged } from "./forgeries.js";
import { mutated, payloadMutated, renamedText } from "./frame-mutations.js";
import type { Choices } from "./random.js";
import { isTurn, type Line, type Recording } from "./recording.js";

/** How an attacker leaves: in order, by cutting the line, or by saying nothing more. */
export const exits = ["closes", "cuts", "falls silent"] as const;
export type Exit = (typeof exits)[number];

/** How a speaker goes on that has keys of its own. */
export interface Live {
  readonly dialogue: Dialogue;
  /** Addresses that its records have instead of those that were recorded. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Payload that it sends later in place of what was recorded. */
  readonly frames: ReadonlyMap<Message, Uint8Array>;
}

/** One attack: an honest session up to some line, then something else. */
export interface Attack {
  readonly what: string;
  readonly recording: Recording;
  /** The side that is attacked. */
  readonly on: TapSide;
  /** The lines to that side; those before `at` are said as they were recorded. */
  readonly lines: readonly Line[];
  readonly at: number;
  readonly instead: readonly Message[];
  /** Says it at once, while what was said before is still being dealt with. */
  readonly isEarly: boolean;
  /** Did its speaker sign what it says, with keys of its own? */
  readonly isSigned: boolean;
  /** Goes on from there with turns of its own. */
  readonly live: Live | undefined;
  readonly exit: Exit;
}

type Act = Pick<Attack, "what" | "instead" | "isSigned" | "live">;

export function planAttack(corpus: Corpus, choices: Choices): Attack {
  const recording = pickRecording(corpus, choices);
  const on = choices.chance(0.55) ? "receiver" : "sender";
  const lines = recording.lines.filter(({ to }) => to === on);
  const at = choices.below(lines.length);
  const act = planAct(corpus, recording, lines, at, choices);
  const history = choices.chance(0.08) ? otherHistory(corpus, recording, choices) : undefined;
  const exit = choices.weighed({ closes: 7, cuts: 2, "falls silent": 1 });
  if (history) return { ...history, recording, exit };
  return { ...act, recording, on, lines, at, isEarly: choices.chance(0.15), exit };
}

function planAct(
  corpus: Corpus,
  recording: Recording,
  lines: readonly Line[],
  at: number,
  choices: Choices,
): Act {
  const line = lines[at]!;
  const mutatedLine = () => mutated(line.message, choices, corpus.around);
  const plain = (what: string, instead: readonly Message[]): Act => ({
    what,
    instead,
    isSigned: false,
    live: undefined,
  });
  switch (choices.weighed({ mutated: 45, signed: 32, order: 15, foreign: 8 })) {
    case "signed":
      return signedAct(corpus, recording, line, choices) ?? plain("mutated", [mutatedLine()]);
    case "mutated":
      return plain("mutated", [mutatedLine()]);
    case "foreign":
      return plain("another session's", [pickForeign(corpus, choices).message]);
    case "order": {
      const other = choices.pick(lines)!.message;
      const orders = [
        [],
        [line.message, line.message],
        [other],
        [line.message, other],
        [other, line.message],
      ];
      return plain("another order", choices.pick(orders)!);
    }
  }
}

/** What the speaker of `line` could say with its own keys: a turn, a frame, a challenge, or other records. */
function signedAct({ around }: Corpus, recording: Recording, line: Line, choices: Choices): Act | undefined {
  if (typeof line.message === "string") {
    const forgery = forged(recording, line, choices, around);
    if (!forgery) return undefined;
    const live = forgery.after && { dialogue: forgery.after, renamed: new Map(), frames: new Map() };
    return { what: forgery.what, instead: [forgery.text], isSigned: true, live };
  }
  if (!line.before) return undefined;
  try {
    const { frame, renamed } = payloadMutated(line.message, choices, around);
    const role: Role = line.to === "receiver" ? "sender" : "receiver";
    const dialogue = tallyPayload(line.before, role, frame, readPayload(frame));
    return {
      what: "other records",
      instead: [frame],
      isSigned: true,
      live: { dialogue, renamed, frames: new Map() },
    };
  } catch {
    return undefined; // no frame that anybody would count
  }
}

/** A sender that has other records than were recorded, and says so from its first turn on: all that it says fits. */
function otherHistory(
  { around }: Corpus,
  recording: Recording,
  choices: Choices,
): Omit<Attack, "recording" | "exit"> | undefined {
  const lines = recording.lines.filter(({ to }) => to === "receiver");
  const at = lines.findIndex(({ message }) => isTurn(message, "init"));
  const payload = lines.slice(at).find(({ message }) => typeof message !== "string");
  const init = lines[at];
  if (!init?.before || !init.draft || !init.secretFor || typeof payload?.message !== "object")
    return undefined;
  try {
    const { frame, renamed } = payloadMutated(payload.message, choices, around);
    const { evidence: _ahead, ...said } = JSON.parse(renamedText(JSON.stringify(init.draft), renamed));
    if (init.before.voices.sender.payload.entries.length > 0) delete said.entries;
    const { signed, dialogue } = signTurn(init.before, "sender", said, init.secretFor);
    const live = { dialogue, renamed, frames: new Map([[payload.message, frame]]) };
    const instead = [JSON.stringify(signed)];
    return {
      what: "another history",
      on: "receiver",
      lines,
      at,
      instead,
      live,
      isEarly: false,
      isSigned: true,
    };
  } catch {
    return undefined;
  }
}

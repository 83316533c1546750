import type * as z from "zod";
import { limitExceeded } from "../../base/index.js";
import type { Address, IbGib } from "../../ibgib/index.js";
import {
  DeclaredReferences,
  type Dialogue,
  type Entry,
  type Established,
  type Evidence,
  entriesFrame,
  evidenceFrame,
  noContent,
  otherRole,
  type PayloadContent,
  type Role,
  readPayload,
  recordsFrame,
  referencesFrame,
  sagaLimits,
  signTurn,
  type TotalsOfBoth,
  type Turn,
  type TurnDraft,
  type TurnMessage,
  type TurnProofs,
  tallyPayload,
  type Verified,
  checkTurn,
} from "../../saga/index.js";
import type { ProofPut } from "../../space/index.js";
import { transcriptBytesMax } from "../home/retention.js";
import type { OnEvent } from "./events.js";
import type { Link } from "./link.js";
import { type Departure, Outflow } from "./outflow.js";
import type { Progress } from "./progress.js";
import { describeTurn } from "./transcript.js";
import type { Waits } from "./waits.js";

/** A turn that is signed, and the parts of its list that go ahead of it where that is long. */
export interface SignedTurn {
  readonly ahead: readonly Uint8Array[];
  readonly turn: Turn;
  /** What the attest key has signed of it. */
  readonly attested: string | undefined;
}

/**
 * One side of an established session: owns the evolving dialogue, signs what goes out, verifies what comes in, and
 * keeps the proofs of both until they are stored. Signing and verifying are synchronous; nothing else changes the
 * dialogue, so no turn is ever signed from an old snapshot.
 */
export class Conversation {
  #dialogue: Dialogue;
  #proofs: ProofPut[];
  #transcriptBytes: number;
  #isCut = false;
  readonly #declared = new DeclaredReferences();

  constructor(
    readonly established: Established,
    private readonly role: Role,
    private readonly link: Pick<Link<never>, "say" | "sayPayload">,
    private readonly onEvent: OnEvent,
    private readonly waits: Waits,
  ) {
    this.#dialogue = established.dialogue;
    this.#proofs = [...established.proofs];
    this.#transcriptBytes = established.proofs.reduce((sum, { record }) => sum + record.bytes.length, 0);
  }

  /** How far the session keystone of each side has come. */
  get dialogue(): Dialogue {
    return this.#dialogue;
  }

  /** Targets of links in what has come that the other side has declared to stay away, in the saga under way. */
  get declared(): ReadonlySet<Address> {
    return this.#declared.all;
  }

  /**
   * Signs a turn; `write` sends it. In between lies what has to be durable first. Its evidence, and a list that is too
   * long for a message, go ahead in parts and are covered by the signature as payload.
   */
  sign(draft: TurnDraft): SignedTurn {
    const { entries = [], evidence = [], ...scalars } = draft;
    const isInline = isShort(entries);
    const ahead = [...this.#tallyEvidence(evidence), ...(isInline ? [] : this.#tallyList(entries))];
    const { dialogue, signed, attested, proofs } = signTurn(
      this.#dialogue,
      this.role,
      isInline && draft.entries !== undefined ? { ...scalars, entries } : scalars,
      this.established.secretFor,
    );
    this.#dialogue = dialogue;
    if (draft.type === "init") this.#declared.startSaga();
    this.#keep(this.role, proofs);
    this.onEvent(describeTurn(this.role, dialogue, draft));
    return { ahead, turn: signed, attested };
  }

  async write({ ahead, turn }: SignedTurn): Promise<void> {
    for (const frame of ahead) await this.#sayPayload(frame);
    this.link.say(turn);
  }

  send(draft: TurnDraft): Promise<void> {
    return this.write(this.sign(draft));
  }

  /** Records that go out in the order given, a portion at a time: their sender says a turn in between. */
  outflow(records: AsyncIterable<Departure>, progress: Progress): Outflow {
    const say = (batch: readonly IbGib[]) =>
      this.#sendPayload(recordsFrame(batch), contentOf({ records: batch }));
    const name = async (references: readonly Address[]) => {
      for (const part of partsOf(references))
        await this.#sendPayload(referencesFrame(part), contentOf({ references: part }));
    };
    return new Outflow(records, progress, { name, say });
  }

  /** Sends all of them, with no turn in between. */
  async sendRecords(records: AsyncIterable<Departure>, progress: Progress): Promise<void> {
    const isMore = await this.outflow(records, progress).send(Number.POSITIVE_INFINITY);
    if (isMore) throw limitExceeded("referencesMax", sagaLimits.referencesMax);
  }

  /** Admits and counts a payload frame of the other side. @throws KeysagaError for whatever is wrong with it. */
  hearPayload(frame: Uint8Array): PayloadContent {
    const content = readPayload(frame);
    this.#tally(otherRole(this.role), frame, content);
    this.#declared.hear(content);
    return content;
  }

  /** Verifies a turn of the other side. @throws KeysagaError for whatever is wrong with it. */
  hear<Message extends TurnMessage>(turn: Turn, schema: z.ZodType<Message>): Verified<Message> {
    const speaker = otherRole(this.role);
    const { dialogue, verified } = checkTurn(this.#dialogue, speaker, turn, schema);
    this.#dialogue = dialogue;
    this.#declared.endTurn();
    if (verified.message.type === "init") this.#declared.startSaga();
    this.#keep(speaker, verified.proofs);
    this.onEvent(describeTurn(speaker, dialogue, verified.message));
    return verified;
  }

  /** Frames and contexts since the last call: the session's transcript, to be stored with what its turns said. */
  takeProofs(): readonly ProofPut[] {
    const taken = this.#proofs;
    this.#proofs = [];
    return taken;
  }

  /** Bytes of the session's transcript so far: those that were taken, and those that may be. */
  get transcriptBytes(): number {
    return this.#transcriptBytes;
  }

  /** Gives back what was taken and could not be stored, or need not be. */
  returnProofs(proofs: readonly ProofPut[]): void {
    this.#proofs = [...proofs, ...this.#proofs];
  }

  async #sendPayload(frame: Uint8Array, content: PayloadContent): Promise<void> {
    this.#tally(this.role, frame, content);
    await this.#sayPayload(frame);
  }

  #sayPayload(frame: Uint8Array): Promise<void> {
    return this.waits.during("credit", this.link.sayPayload(frame));
  }

  #tallyEvidence(items: readonly Evidence[]): readonly Uint8Array[] {
    return [...partsOf(items)].map((part) => {
      const frame = evidenceFrame(part);
      this.#tally(this.role, frame, contentOf({ evidence: part }));
      return frame;
    });
  }

  #tallyList(entries: readonly Entry[]): readonly Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (const part of partsOf(entries)) {
      const frame = entriesFrame(part);
      this.#tally(this.role, frame, contentOf({ entries: part }));
      frames.push(frame);
    }
    return frames;
  }

  #tally(role: Role, frame: Uint8Array, content: PayloadContent): void {
    this.#dialogue = tallyPayload(this.#dialogue, role, frame, content);
    const bytes = content.records.reduce((sum, record) => sum + record.bytes.length, 0);
    if (bytes > 0) this.onEvent({ kind: "payload", from: role, records: content.records.length, bytes });
  }

  #keep(role: Role, { context, frame }: TurnProofs): void {
    const group: Address = role === "sender" ? this.established.session : this.established.receiverSession;
    const bytes = context.bytes.length + frame.bytes.length;
    // What comes after a gap could not be replayed: a transcript that is full stays as it is.
    this.#isCut ||= this.#transcriptBytes + bytes > transcriptBytesMax;
    if (this.#isCut) return;
    this.#transcriptBytes += bytes;
    this.#proofs.push({ group, record: context }, { group, record: frame });
  }
}

/** Does a turn go out as one message? If not something goes ahead as payload, which nobody takes before `ready`. */
export function isOneMessage({ entries = [], evidence = [] }: TurnDraft): boolean {
  return evidence.length === 0 && isShort(entries);
}

function isShort(entries: readonly Entry[]): boolean {
  return JSON.stringify(entries).length <= sagaLimits.entriesCharsMax;
}

function contentOf(content: Partial<PayloadContent>): PayloadContent {
  return { ...noContent, ...content };
}

/** A long list in parts that each fit a payload frame. */
function* partsOf<Item>(list: readonly Item[]): Generator<readonly Item[]> {
  let part: Item[] = [];
  let chars = 0;
  for (const item of list) {
    const more = JSON.stringify(item).length + 1;
    if (part.length > 0 && chars + more > sagaLimits.entriesCharsMax) {
      yield part;
      part = [];
      chars = 0;
    }
    part.push(item);
    chars += more;
  }
  if (part.length > 0) yield part;
}

/** Of a session so far. */
export function totalsOf({ dialogue }: Pick<Conversation, "dialogue">): TotalsOfBoth {
  return { up: dialogue.voices.sender.totals, down: dialogue.voices.receiver.totals };
}

import type { IbGib } from "../../src/ibgib/index.js";
import type { UnsignedFrame } from "../../src/keystone/frame.js";
import type { KeystoneState, SecretFor } from "../../src/keystone/index.js";
import type {
  Dialogue,
  ReceiverHandshakeState,
  ReceiverSagaState,
  Role,
  SenderHandshakeState,
  SenderSagaState,
  TurnDraft,
} from "../../src/saga/index.js";

/** A frame that was signed, and all that is needed to sign another in its place. */
export interface Signing {
  readonly unsigned: UnsignedFrame;
  readonly state: KeystoneState;
  readonly secretFor: SecretFor;
  readonly frame: IbGib;
}

/** A turn as its speaker stood before it was signed. */
export interface Spoken {
  readonly before: Dialogue;
  readonly draft: TurnDraft;
  readonly secretFor: SecretFor;
}

/** Both machines of one side, and its dialogue, at one moment of a session. */
export type Moment =
  | {
      readonly side: "sender";
      readonly handshake: SenderHandshakeState;
      readonly saga: SenderSagaState | undefined;
      readonly dialogue: Dialogue | undefined;
      readonly heard: number;
    }
  | {
      readonly side: "receiver";
      readonly handshake: ReceiverHandshakeState;
      readonly saga: ReceiverSagaState | undefined;
      readonly dialogue: Dialogue | undefined;
      readonly heard: number;
    };

type Now = { -readonly [Name in "handshake" | "saga" | "dialogue"]: unknown };

/** What the spies write down while one honest session runs. */
export class Notes {
  readonly signings: Signing[] = [];
  /** By the text of the turn. */
  readonly spoken = new Map<string, Spoken>();
  /** By the payload frame: the dialogue of its speaker before it was counted. */
  readonly counted = new Map<Uint8Array, Dialogue>();
  readonly heard: Record<Role, number> = { sender: 0, receiver: 0 };
  readonly #moments = new Map<string, Moment>();
  readonly #owners = new WeakMap<Dialogue, Role>();
  readonly #now: Record<Role, Now> = {
    sender: { handshake: undefined, saga: undefined, dialogue: undefined },
    receiver: { handshake: undefined, saga: undefined, dialogue: undefined },
  };

  get moments(): readonly Moment[] {
    return [...this.#moments.values()];
  }

  stepped(side: Role, machine: "handshake" | "saga", state: { readonly kind: string }): void {
    this.#now[side][machine] = state;
    const dialogue = dialogueIn(state);
    if (dialogue && !this.#now[side].dialogue) this.owns(side, dialogue);
    this.#keep(side);
  }

  owns(side: Role, dialogue: Dialogue): void {
    this.#owners.set(dialogue, side);
    this.#now[side].dialogue = dialogue;
  }

  ownerOf(dialogue: Dialogue): Role | undefined {
    return this.#owners.get(dialogue);
  }

  /** The dialogue of one side went on. */
  wentOn(before: Dialogue, after: Dialogue, isOwnWord: boolean): void {
    const side = this.#owners.get(before);
    if (!side) return;
    this.owns(side, after);
    if (isOwnWord) this.#keep(side);
  }

  #keep(side: Role): void {
    const now = this.#now[side] as Record<keyof Now, { readonly kind?: string } | undefined>;
    if (!now.handshake) return;
    const place = [side, now.handshake.kind, now.saga?.kind, this.heard[side]].join(" ");
    this.#moments.set(place, { ...now, side, heard: this.heard[side] } as unknown as Moment);
  }
}

function dialogueIn(state: object): Dialogue | undefined {
  if ("established" in state) return (state.established as { dialogue: Dialogue }).dialogue;
  return undefined;
}

/** Where the spies write to now; undefined while nothing is recorded. */
export const recorder: { notes: Notes | undefined } = { notes: undefined };

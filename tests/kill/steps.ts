/** The steps at which a process of these stories ends itself, and what it is told and tells. */
import type { Address } from "../../src/ibgib/index.js";
import type { FinalTip } from "../../src/saga/index.js";

/** What happens to a write of the store, in this order. */
export const storeSteps = ["before a write", "written", "being flushed", "flushed"] as const;

/** Messages by who says them; turns by the type of their body. */
export const said = {
  sender: ["open", "frames", "connect", "init", "ask", "offer", "commit", "payload", "credit", "error"],
  receiver: [
    ...["hello", "frames", "challenge", "ready", "ack", "branch", "wants", "moved", "receipt"],
    ...["payload", "credit", "error"],
  ],
} as const;
export type Role = keyof typeof said;

/** One of `storeSteps`, or `before` or `after` and a message. */
export type Step = string;

/** Where a process ends: at which call of a step, counted from when it is told. */
export interface Death {
  readonly step: Step;
  readonly at: number;
}

/** What a process is started with: a home, and where its receiver listens. */
export interface Job {
  readonly role: Role;
  readonly home: string;
  readonly port: number;
  /** A file to which it appends what it is about to say, before it does. */
  readonly saidFile: string;
  /** What a sender edits and syncs. */
  readonly timeline: Address;
}

/** One round of a sender: an edit, then a sync over a connection that it keeps or not. */
export interface Round {
  /** With so many large records that flow control has to speak. */
  readonly isLarge: boolean;
  readonly keepsConnection: boolean;
  /** Where to dial, if not at the receiver's. */
  readonly port: number;
}

export type Order = { readonly die: Death } | { readonly job: Job } | { readonly round: Round };

/** What a process tells: only what is true and durable by then. */
export type Line =
  | { readonly kind: "loaded" }
  | { readonly kind: "open" }
  /** Edits of this side are saved. */
  | { readonly kind: "saved"; readonly tips: readonly Address[] }
  /** A sync has resolved: these tips are on both sides. */
  | { readonly kind: "synced"; readonly tips: readonly FinalTip[] }
  | { readonly kind: "failed"; readonly code: string }
  | { readonly kind: "round over" };

/** A line of `saidFile`: a message with the frames that it shows, as text. */
export interface SaidLine {
  readonly name: string;
  readonly frames: readonly (readonly [string, string, string, string])[];
  /** Of a receipt: what it says is durable. */
  readonly tips: readonly FinalTip[];
}

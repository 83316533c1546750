import type {
  ReceiverHandshakeState,
  ReceiverSagaState,
  SenderHandshakeState,
  SenderSagaState,
} from "../../src/saga/index.js";
import type { TapSide } from "../../src/testing/index.js";
import type { StoryName } from "../protocol/matrix.js";

export type Machine = "sender handshake" | "receiver handshake" | "sender saga" | "receiver saga";

/** How peers are brought into a state, and kept there. */
export interface Reach {
  /** What is synced; without it the peers have connected, or synced, and nothing goes on. */
  readonly story: StoryName | "connected" | "synced";
  /** Calls that have to be held from the beginning, for the state to be reached at all. */
  readonly slow?: readonly string[];
}

/** Terminal states: there is nothing left to end. */
const over = "over";

type States<State extends { readonly kind: string }> = Readonly<Record<State["kind"], Reach | typeof over>>;

const senderHandshake: States<SenderHandshakeState> = {
  awaitingHello: { story: "note" },
  loadingStanding: { story: "note" },
  awaitingChallenge: { story: "note" },
  reserving: { story: "note" },
  awaitingReady: { story: "note" },
  ready: { story: "connected" },
  failed: over,
};

const receiverHandshake: States<ReceiverHandshakeState> = {
  awaitingOpen: { story: "note" },
  loadingKnown: { story: "note" },
  awaitingConnect: { story: "note" },
  screening: { story: "often shared" },
  checking: { story: "often shared" },
  admitting: { story: "note" },
  storing: { story: "note" },
  ready: { story: "connected" },
  failed: over,
};

const senderSaga: States<SenderSagaState> = {
  planning: { story: "note" },
  awaitingAlike: { story: "compared" },
  awaitingAck: { story: "note" },
  comparing: { story: "diverged" },
  awaitingBranch: { story: "diverged" },
  gathering: { story: "diverged", slow: ["stage"] },
  resolving: { story: "note" },
  awaitingWants: { story: "branches" },
  sending: { story: "note" },
  awaitingStaged: { story: "portions" },
  awaitingReceipt: { story: "note" },
  committing: { story: "note" },
  committed: { story: "synced" },
  failed: over,
};

const receiverSaga: States<ReceiverSagaState> = {
  awaitingInit: { story: "synced" },
  loadingSet: { story: "compared" },
  awaitingRanges: { story: "compared" },
  comparing: { story: "note" },
  covering: { story: "portions", slow: ["stage"] },
  sending: { story: "pull" },
  awaitingCommit: { story: "note" },
  readingBranches: { story: "diverged" },
  choosing: { story: "branches" },
  settling: { story: "note", slow: ["stage"] },
  committing: { story: "note" },
  failed: over,
};

export const machines: Readonly<Record<Machine, Readonly<Record<string, Reach | typeof over>>>> = {
  "sender handshake": senderHandshake,
  "receiver handshake": receiverHandshake,
  "sender saga": senderSaga,
  "receiver saga": receiverSaga,
};

export const sideOf = (machine: Machine): TapSide => (machine.startsWith("sender") ? "sender" : "receiver");

/** Is nothing under way there? */
export const isIdle = ({ story }: Pick<Reach, "story">): boolean =>
  story === "connected" || story === "synced";

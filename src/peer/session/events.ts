import { type ErrorCode, type KeysagaError, toKeysagaError } from "../../base/index.js";
import { type Address, type IbGib, isStandIn, tjpOf } from "../../ibgib/index.js";
import { conflictsOf } from "../../merge/index.js";
import type { Direction, Established, FinalTip, Role } from "../../saga/index.js";

/**
 * What is waited for. `queued`: earlier calls of the same sender, or handshakes of its identity with this receiver.
 * `turn`: the other side's answer. `credit`: the other side takes no more records for now. `others`: at a receiver,
 * commits of others on the same timelines.
 */
export type WaitReason = "queued" | "turn" | "credit" | "others";

/** Why a root was left, in whole or in part. */
export type LeftReason =
  /** A newest frame of it is by somebody who may not write it, as far as its list of writers says. */
  | "may_not_write"
  /** A newest frame of it was set aside by its owner. */
  | "set_aside"
  /** Its maker does not prove a frame of it. */
  | "not_proved"
  /** It was made for an owner who has no such place for it. */
  | "out_of_place"
  /** The receiver did not take it: it may not be written there. */
  | "not_taken"
  /** It is over a quota of the receiver's. */
  | "over_quota"
  /** It takes a longer walk through its history, here or there, than one root may. */
  | "too_long";

/** What a peer tells whoever watches it. Addresses and counts only: no data of records, no secret. */
export type PeerEvent =
  /** Both sides have proved themselves: the identity, its lane, and the session keystones of both. */
  | {
      readonly kind: "connected";
      readonly identity: Address;
      readonly receiver: Address;
      readonly lane: Address;
      readonly session: Address;
      readonly receiverSession: Address;
    }
  /**
   * A sender: its home was behind what the receiver knows of its identity, as after it was put back from a backup, or where
   * another copy of it runs. `frames` of the identity were taken over. Where the keys of the lane were used elsewhere, the
   * next connection begins a new lane. Durable; nothing was signed.
   */
  | {
      readonly kind: "behind";
      readonly receiver: Address;
      readonly frames: number;
      readonly isLaneSpent: boolean;
    }
  /** A receiver: this identity was let in for good by an invite, which is used up. Durable. */
  | { readonly kind: "admitted"; readonly identity: Address; readonly invite: string }
  /** A signed turn was sent or verified; `n` is its signer's session frame. `note` is for people. */
  | {
      readonly kind: "turn";
      readonly from: Role;
      readonly type: string;
      readonly n: number;
      readonly note: string;
    }
  /** A payload frame was sent, or admitted. */
  | { readonly kind: "payload"; readonly from: Role; readonly records: number; readonly bytes: number }
  /** A saga has begun; `roots` counts the timelines and stones that it compares, without the lists that go along. */
  | {
      readonly kind: "started";
      readonly saga: string;
      readonly direction: Direction;
      readonly roots: number;
    }
  /**
   * How far the records of this side have gone out: `up` from a sender, `down` from a receiver. The other side cannot
   * know how many will come, and is told by `payload`.
   *
   * Counts what can be named before the first record goes: frames that the other side lacks of the timelines compared,
   * stones that were asked for, and those that the newest frames link to. So `total` is known from the first event on,
   * where `records` is what went before; the last one has both equal, and what turned out not to be needed counts as
   * gone. What else is linked to travels along uncounted. A saga that has to send more once others came first, or once
   * the branches of both sides are known, goes on from there to a higher total.
   */
  | {
      readonly kind: "progress";
      readonly saga: string;
      readonly direction: "up" | "down";
      readonly records: number;
      readonly total: number;
    }
  /** Something has been waited for longer than a moment (0.1 s): told once for each wait. */
  | { readonly kind: "waiting"; readonly saga?: string; readonly reason: WaitReason }
  /** A sender: a merge of its own is the tip here now. `heads` counts the branches it brings together. */
  | {
      readonly kind: "merged";
      readonly saga: string;
      readonly timeline: Address;
      readonly tip: Address;
      readonly heads: number;
    }
  /** And that merge has conflicts that somebody should look at (`conflictsOf`). */
  | {
      readonly kind: "conflict";
      readonly saga: string;
      readonly timeline: Address;
      readonly tip: Address;
      readonly conflicts: number;
    }
  /** A sender: a root was left, in whole or in part; `by` is who has made the frame that it is about. */
  | {
      readonly kind: "left";
      readonly saga: string;
      readonly timeline: Address;
      readonly reason: LeftReason;
      readonly by?: Address;
    }
  /** A receiver did not take the tip of a root; or, without a root, the saga ended before it was durable. */
  | {
      readonly kind: "refused";
      readonly saga: string;
      readonly timeline?: Address;
      readonly code: ErrorCode;
    }
  /**
   * A sender: what `holder` links, a timeline or a stone, stays away. `up`: it stays here, as no link of this identity leads
   * to it. `down`: the receiver has not brought it, or is not to.
   */
  | {
      readonly kind: "staysAway";
      readonly saga: string;
      readonly direction: "up" | "down";
      readonly holder: Address;
      readonly target: Address;
    }
  /** A receiver: the connection was lost, and so many records are kept for the next saga of the same identity. */
  | { readonly kind: "kept"; readonly saga: string; readonly records: number; readonly bytes: number }
  /** A receiver: the connection was lost, and what could have been kept was not, because of a limit or a store. */
  | { readonly kind: "dropped"; readonly saga: string; readonly code: ErrorCode }
  /** So many records of a lost connection count as staged for this saga, and are not sent again. */
  | { readonly kind: "resumed"; readonly saga: string; readonly records: number }
  /**
   * A saga is durable: on a receiver here, on a sender on both sides. `tips` counts those in its receipt, lists left out.
   */
  | { readonly kind: "durable"; readonly saga: string; readonly tips: number }
  /**
   * The session has ended; without an error by either side's `disconnect`. At a receiver also whose it was: `identity`, once
   * the other end has proved it, whether it was let in or not; before, `claimed`, which anybody can say.
   */
  | ({ readonly kind: "closed"; readonly error: KeysagaError | undefined } & FarParty)
  /** A sender with `reconnect`: a call has failed so often now, last with `code`, and is made again after `delayMs`. */
  | {
      readonly kind: "reconnecting";
      readonly tries: number;
      readonly delayMs: number;
      readonly code: ErrorCode;
    }
  /** It has a session again, at that try. */
  | { readonly kind: "reconnected"; readonly tries: number }
  /** It is not made again, after that many tries more than the first: the call fails with `code`. */
  | { readonly kind: "gaveUp"; readonly tries: number; readonly code: ErrorCode };

/** Who is at the other end of a session, as far as a receiver knows. */
export interface FarParty {
  /** Proved. */
  readonly identity?: Address;
  /** Said, and not proved. */
  readonly claimed?: Address;
}

export type OnEvent = (event: PeerEvent) => void;

/**
 * Tells a watcher of one session, up to `closed` and nothing behind it. A watcher that throws ends the session it
 * watches, by `fail`; it is never thrown into what happens there, least of all into its end.
 */
export function guarded(onEvent: OnEvent, fail: (error: KeysagaError) => void): OnEvent {
  let isOver = false;
  return (event) => {
    if (isOver) return;
    isOver = event.kind === "closed";
    try {
      onEvent(event);
    } catch (thrown) {
      fail(toKeysagaError(thrown));
    }
  };
}

/** A receiver: the roots of a saga that it did not take, and why. */
export function tellRefused(
  onEvent: OnEvent,
  saga: string,
  refused: readonly Pick<FinalTip, "address">[],
  code: "not_permitted" | "limit_exceeded",
): void {
  for (const { address } of refused) onEvent({ kind: "refused", saga, timeline: address, code });
}

/** A sender: the roots of a saga that were left, in whole or in part, and whose doing that is. */
export function tellLeft(
  onEvent: OnEvent,
  saga: string,
  left: readonly { readonly address: Address; readonly reason: LeftReason; readonly by?: Address }[],
): void {
  for (const { address, reason, by } of left)
    onEvent({ kind: "left", saga, timeline: address, reason, ...(by && { by }) });
}

/** Merges of this side's making that are tips now. */
export function tellMerged(onEvent: OnEvent, saga: string, merged: readonly IbGib[]): void {
  for (const frame of merged.filter((each) => !isStandIn(each))) {
    const timeline = tjpOf(frame) ?? frame.address;
    const heads = 1 + (frame.rel8ns?.["graftorphan"]?.length ?? 0);
    const conflicts = conflictsOf(frame).length;
    onEvent({ kind: "merged", saga, timeline, tip: frame.address, heads });
    if (conflicts > 0) onEvent({ kind: "conflict", saga, timeline, tip: frame.address, conflicts });
  }
}

/** A session is over, and with it the saga under way, if there is one. */
export function tellEnd(
  onEvent: OnEvent,
  saga: string | undefined,
  error: KeysagaError | undefined,
  party: FarParty = {},
): void {
  if (saga !== undefined) onEvent({ kind: "refused", saga, code: error?.code ?? "connection_closed" });
  onEvent({ kind: "closed", error, ...party });
}

export function connectedEvent({
  identity,
  receiver,
  lane,
  session,
  receiverSession,
}: Established): PeerEvent {
  return { kind: "connected", identity, receiver, lane, session, receiverSession };
}

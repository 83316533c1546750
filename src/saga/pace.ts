import type { Moment } from "../base/index.js";
import type { IbGib } from "../ibgib/index.js";
import type { SessionLimits } from "./limits.js";

/** Payload that moves, as the sagas of both sides are told of it. */
export type PayloadMovement =
  /** A payload frame of so many bytes has come; the parts of a list are no records. */
  | {
      readonly kind: "payload";
      readonly records: readonly IbGib[];
      readonly bytes: number;
      readonly now: Moment;
    }
  /** The other side has dealt with a payload frame of so many bytes. */
  | { readonly kind: "credit"; readonly bytes: number; readonly now: Moment };

/** What the pace is averaged over, in milliseconds. */
const windowMs = 10_000;

/** Movements closer together than this count as one, so that a pace stays small however fast payload moves. */
const grainMs = 1_000;

interface Movement {
  readonly at: Moment;
  readonly bytes: number;
}

/**
 * A wait for the other side, and the payload that moves meanwhile. It ends at `deadline`, unless payload moves at
 * `payloadBytesPerSecondMin` bytes a second: then the deadline moves along. What drips moves nothing. A frame counts once
 * it is whole: it has either come, or the other side has granted credit for it. So a full frame has to make its way within
 * `turnTimeoutMs`.
 */
export interface Pace {
  readonly deadline: Moment;
  /** What has moved within the last ten seconds, and the newest movement; oldest first, at most eleven. */
  readonly moved: readonly Movement[];
}

type PaceLimits = Pick<SessionLimits, "turnTimeoutMs" | "payloadBytesPerSecondMin">;

export function startPace(now: Moment, { turnTimeoutMs }: PaceLimits): Pace {
  return { deadline: now + turnTimeoutMs, moved: [] };
}

/**
 * The wait after a frame of so many bytes has moved. The average is over ten seconds, or over the time since the
 * movement before, where that is longer: a frame that took half a minute was no faster for being whole at once.
 */
export function afterMovement(
  { deadline, moved }: Pace,
  bytes: number,
  now: Moment,
  limits: PaceLimits,
): Pace {
  const last = moved.at(-1);
  const from = Math.min(now - windowMs, last?.at ?? now);
  const isSameGrain = last !== undefined && grainOf(last.at) === grainOf(now);
  const earlier = (isSameGrain ? moved.slice(0, -1) : moved).filter(({ at }) => at > from);
  const recent = [...earlier, { at: now, bytes: bytes + (isSameGrain ? last.bytes : 0) }];
  const sum = recent.reduce((total, movement) => total + movement.bytes, 0);
  const isEnough = sum * 1_000 >= limits.payloadBytesPerSecondMin * (now - from);
  return { deadline: isEnough ? now + limits.turnTimeoutMs : deadline, moved: recent };
}

/** A saga that waits, after payload has moved. */
export function moveOn<State extends Pace & { readonly limits: PaceLimits }>(
  state: State,
  { bytes, now }: PayloadMovement,
): State {
  return { ...state, ...afterMovement(state, bytes, now, state.limits) };
}

const grainOf = (at: Moment): number => Math.floor(at / grainMs);

import { limitExceeded } from "../base/index.js";
import { type IbGib, type RecordText, toText } from "../ibgib/index.js";
import { type SessionLimits, sagaLimits } from "./limits.js";
import type { Frames } from "./messages.js";

/** Messages of frames that went ahead of a challenge or a connect, in order. */
export type Ahead = readonly Frames[];
export const nothingAhead: Ahead = [];

type Limits = Pick<SessionLimits, "chainFramesMax">;

/**
 * The frames of an identity that the other side lacks, oldest first, in as few messages as hold them: the last ones are
 * shown in the challenge or the connect itself, the others go ahead.
 *
 * @throws KeysagaError `limit_exceeded` for more than this side would take from another.
 */
export function showChain(
  frames: readonly IbGib[],
  limits: Limits,
): { readonly ahead: Ahead; readonly shown: RecordText[] } {
  const parts = partsOf(frames.map(toText));
  const shown = parts.pop() ?? [];
  const ahead = parts.map((part): Frames => ({ type: "frames", frames: part }));
  checkBounds(ahead, shown, limits);
  return { ahead, shown };
}

/**
 * Takes in a message that came ahead, unread.
 *
 * @throws KeysagaError `limit_exceeded` beyond as many messages as the frames that are allowed fill: so who has proved
 *   nothing makes this side hold no more than their bytes.
 */
export function takeAhead(ahead: Ahead, message: Frames, limits: Limits): Ahead {
  const taken = [...ahead, message];
  checkBounds(taken, [], limits);
  return taken;
}

/** The frames as if they all had been shown at once, unread. @throws KeysagaError `limit_exceeded` */
export function chainOf(ahead: Ahead, shown: readonly RecordText[], limits: Limits): readonly RecordText[] {
  checkBounds(ahead, shown, limits);
  return [...ahead.flatMap(({ frames }) => frames), ...shown];
}

function checkBounds(ahead: Ahead, shown: readonly RecordText[], { chainFramesMax }: Limits): void {
  const frames = ahead.reduce((sum, message) => sum + message.frames.length, shown.length);
  const messagesMax = Math.ceil(chainFramesMax / sagaLimits.framesShownMax);
  if (frames > chainFramesMax || ahead.length > messagesMax)
    throw limitExceeded("chainFramesMax", chainFramesMax);
}

function partsOf(frames: readonly RecordText[]): RecordText[][] {
  const parts: RecordText[][] = [];
  let chars = 0;
  for (const frame of frames) {
    const more = JSON.stringify(frame).length + 1;
    const part = parts.at(-1);
    chars += more;
    if (part && part.length < sagaLimits.framesShownMax && chars <= sagaLimits.framesCharsMax) {
      part.push(frame);
      continue;
    }
    parts.push([frame]);
    chars = more;
  }
  return parts;
}

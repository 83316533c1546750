import { FrameQueue } from "./frame-queue.js";
import type { Frame } from "./history.js";

/** A set of colours, as bits: who reaches a frame. */
export type Colours = number;

/** Frames by age, newest first, with the colours that reach each; a frame is taken after all that come after it. */
export class ColouredWalk {
  readonly #queue = new FrameQueue();
  readonly #colours = new Map<string, Colours>();
  /** How many waiting frames are of exactly these colours. */
  readonly #waiting = new Map<Colours, number>();

  reach(frame: Frame, colours: Colours): void {
    const before = this.#colours.get(frame.address);
    const after = (before ?? 0) | colours;
    this.#colours.set(frame.address, after);
    if (before === undefined) this.#queue.add(frame);
    else this.#count(before, -1);
    this.#count(after, 1);
  }

  /** Is a frame of exactly these colours still to be taken? */
  waits(colours: Colours): boolean {
    return (this.#waiting.get(colours) ?? 0) > 0;
  }

  /** The newest frame that waits; there has to be one. */
  take(): { readonly frame: Frame; readonly colours: Colours } {
    const frame = this.#queue.take()!;
    const colours = this.#colours.get(frame.address)!;
    this.#count(colours, -1);
    return { frame, colours };
  }

  #count(colours: Colours, by: number): void {
    this.#waiting.set(colours, (this.#waiting.get(colours) ?? 0) + by);
  }
}

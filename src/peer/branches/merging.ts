import type { MergeFunctions, MergeOptions } from "../../merge/index.js";
import type { Platform } from "../home/platform.js";

/** How a peer brings branches together. */
export interface Merging {
  readonly functions: MergeFunctions;
  readonly options: MergeOptions;
}

/** What one walk through a history may cost: a root that takes more is left as it was. */
export const walkLimits: readonly string[] = ["framesMax", "headsMax"];

/** How long a walk or a fold may go on before timers and sockets have their turn. */
const pauseEveryMs = 10;

export function mergingOf(functions: MergeFunctions, { clock, timers }: Platform): Merging {
  let since = clock.elapsed();
  return {
    functions,
    options: {
      async pause() {
        if (clock.elapsed() - since < pauseEveryMs) return;
        await new Promise<void>((resolve) => timers.after(0, resolve));
        since = clock.elapsed();
      },
    },
  };
}

/** The same on somebody's account. */
export function onAccount({ functions, options }: Merging, spend: (steps: number) => void): Merging {
  return { functions, options: { ...options, spend } };
}

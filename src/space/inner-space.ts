import { type SpaceLimits, spaceLimits } from "./limits.js";
import { MemoryStore } from "./memory-store.js";
import { StoreSpace } from "./store-space.js";

export interface InnerSpaceOptions {
  readonly limits?: Partial<SpaceLimits>;
}

/** A space in memory: everything in it ends with the process. Durable means nothing here; all else is the same. */
export class InnerSpace extends StoreSpace {
  constructor({ limits = {} }: InnerSpaceOptions = {}) {
    super(new MemoryStore(), { limits: { ...spaceLimits, ...limits }, opener: "memory" });
  }
}

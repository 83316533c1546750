import type { Commit, CommitResult, SagaId, Space, SpaceView } from "../../space/index.js";

/** What happens between a space's having done something and its saying so. */
export type Between = () => Promise<void>;

/** A space whose answers take their time, and which knows what sagas have staged in it. */
export interface SlowSpace {
  readonly space: Space;
  /** Sagas with something staged. */
  readonly staged: ReadonlySet<SagaId>;
}

const slowMethods = new Set<PropertyKey>([
  ...["getMany", "get", "hasMany", "tip", "tips", "frameAt", "frames", "reachableTips", "missing"],
  ...["stage", "readStage", "keep", "takeOver", "drop", "commit", "cell", "cells", "proof", "proofs"],
]);

/**
 * Answers late what was done at once: so whatever a peer has read may be old by the time it has it, and whatever it
 * waits for is a place where it can be stopped.
 */
export function slowSpace(inner: Space, between: Between): SlowSpace {
  const staged = new Set<SagaId>();
  const space = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name === "view")
        return (...args: unknown[]) => slowView(Reflect.apply(value, target, args), between);
      if (!slowMethods.has(name)) return value.bind(target);
      return async (...args: unknown[]) => {
        if (name === "stage" || name === "takeOver") staged.add(args[0] as SagaId);
        // What a failing disk does not take out, the space does later: the disk itself is looked at in the end.
        if (name === "drop") staged.delete(args[0] as SagaId);
        const result: unknown = await Reflect.apply(value, target, args);
        if (name === "keep" && result === false) staged.delete(args[0] as SagaId);
        if (name === "takeOver") staged.delete(args[1] as SagaId);
        if (name === "commit") forget(staged, args[0] as Commit, result as CommitResult);
        await between();
        return result;
      };
    },
  });
  return { space, staged };
}

function slowView(view: SpaceView, between: Between): SpaceView {
  return new Proxy(view, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const result: unknown = await Reflect.apply(value, target, args);
        await between();
        return result;
      };
    },
  });
}

function forget(staged: Set<SagaId>, { saga }: Commit, { kind }: CommitResult): void {
  if (saga !== undefined && kind === "committed") staged.delete(saga);
}

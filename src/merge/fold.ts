import { canonicalJson, KeysagaError } from "../base/index.js";
import { type Address, ownerOf } from "../ibgib/index.js";
import { lowestCommonAncestors, nearestSharedPast } from "./bases.js";
import { type Content, contentOf, freezeDeep, type HeadContent, toContent } from "./content.js";
import { isBuiltIn, type MergeFunction } from "./functions.js";
import { type Frame, type History, newestFirst } from "./history.js";
import { foldRules, stepsOf } from "./limits.js";
import { refuseMerge } from "./refusals.js";

/** The lowest common ancestors of each fold: of head 1 + i and the histories of all heads before it. */
export async function basesOf(
  heads: readonly Frame[],
  history: History,
): Promise<readonly (readonly Frame[])[]> {
  const bases: (readonly Frame[])[] = [];
  for (let at = 1; at < heads.length; at++)
    bases.push(await lowestCommonAncestors(heads.slice(0, at), heads[at]!, history));
  return bases;
}

/** All bases of a merge, each once, in fold order: what `graftbase` says. */
export function graftbaseOf(bases: readonly (readonly Frame[])[]): readonly Address[] {
  const all = new Map(bases.flat().map((frame) => [frame.address, frame]));
  return [...all.values()].sort(newestFirst).map(({ address }) => address);
}

/** Folds contents of frames in order, each against its bases. */
export class Fold {
  readonly #history: History;
  readonly #function: MergeFunction;
  /** What several common ancestors came to, by their addresses: the same ones turn up again and again. */
  readonly #virtual = new Map<string, Content>();
  #virtualFolds = 0;

  constructor(history: History, fn: MergeFunction) {
    this.#history = history;
    this.#function = fn;
  }

  async heads(heads: readonly Frame[], bases: readonly (readonly Frame[])[], depth = 0): Promise<Content> {
    const contents = heads.map(
      ({ address, record }): HeadContent => ({
        address,
        content: freezeDeep(contentOf(record)),
      }),
    );
    const isOwned = ownerOf(await this.#history.first()) !== undefined;
    let merged = contents[0]!.content;
    for (let at = 1; at < contents.length; at++) {
      const base = await this.#base(bases[at - 1]!, depth);
      const [ours, theirs] = [contents.slice(0, at), contents[at]!];
      const before = merged;
      this.#history.spend([base, before, theirs.content].reduce((sum, each) => sum + stepsToFold(each), 0));
      let steps = 0;
      const spend = (taken: number) => {
        steps += taken;
      };
      const fold = () => this.#function.merge(base, before, theirs.content, { ours, theirs, spend });
      merged = foldedBy(this.#function, fold, isOwned);
      this.#history.spend(steps);
      await this.#history.pause();
    }
    return merged;
  }

  /** One common ancestor is the base; several are folded like heads, in thought only. */
  async #base(ancestors: readonly Frame[], depth: number): Promise<Content> {
    if (ancestors.length === 1) return freezeDeep(contentOf(ancestors[0]!.record));
    const key = ancestors.map(({ address }) => address).join(" ");
    const known = this.#virtual.get(key);
    if (known) return known;
    const content = (await this.#fold(ancestors, depth + 1)) ?? (await this.#nearest(ancestors));
    this.#virtual.set(key, content);
    return content;
  }

  /** Undefined where it would go too deep or has been done too often: the same on every peer, as all go this way. */
  async #fold(ancestors: readonly Frame[], depth: number): Promise<Content | undefined> {
    if (depth > foldRules.virtualDepthMax) return undefined;
    this.#virtualFolds += ancestors.length - 1;
    if (this.#virtualFolds > foldRules.virtualFoldsMax) return undefined;
    return this.heads(ancestors, await basesOf(ancestors, this.#history), depth);
  }

  async #nearest(ancestors: readonly Frame[]): Promise<Content> {
    return freezeDeep(contentOf((await nearestSharedPast(ancestors, this.#history)).record));
  }
}

/** What it takes to read, compare and normalize a content once, whatever is in it. */
function stepsToFold(content: Content): number {
  let steps = 0;
  const values: unknown[] = [content.ib, content.data, content.rel8ns];
  for (let value = values.pop(); value !== undefined; value = values.pop()) {
    steps += stepsOf.valueFolded;
    if (typeof value === "string") steps += value.length * stepsOf.charFolded;
    else if (typeof value === "object" && value !== null)
      for (const part of Object.values(value)) values.push(part);
  }
  return steps;
}

/** @throws KeysagaError `merge_failed`: `threw`, `not_deterministic` or `result`. */
function foldedBy(fn: MergeFunction, fold: () => Content, isOwned: boolean): Content {
  const call = () => {
    try {
      return toContent(fold(), isOwned);
    } catch (error) {
      if (error instanceof KeysagaError && error.code === "merge_failed") throw error;
      return refuseMerge("merge_failed", "threw", error);
    }
  };
  const content = call();
  if (!isBuiltIn(fn) && canonicalJson(call()) !== canonicalJson(content))
    refuseMerge("merge_failed", "not_deterministic");
  return freezeDeep(content);
}

import type { Holder, Sight } from "./space.js";

/** `sight` with `holder` among those whose records count. */
export function sightOf(holder: Holder, sight: Sight | "anyone"): Sight | "anyone" {
  return sight === "anyone" ? sight : { ...sight, holders: [holder, ...sight.holders] };
}

/** All that counted in several calls, each with a sight of its own. */
export class SightsUsed {
  readonly #holders = new Set<Holder>();
  readonly #reads = new Set<NonNullable<Sight["reads"]>>();
  readonly #stones = new Set<NonNullable<Sight["stones"]>>();
  #isAnyones = false;

  add(sight: Sight | "anyone"): void {
    if (sight === "anyone") {
      this.#isAnyones = true;
      return;
    }
    for (const holder of sight.holders) this.#holders.add(holder);
    if (sight.reads !== undefined) this.#reads.add(sight.reads);
    if (sight.stones !== undefined) this.#stones.add(sight.stones);
  }

  /** Does `sight` surely count all of it? What two functions, or sets, say is compared by nothing but their being the same. */
  areCoveredBy(sight: Sight | "anyone"): boolean {
    if (sight === "anyone") return true;
    const holders = new Set(sight.holders);
    return (
      !this.#isAnyones &&
      [...this.#holders].every((holder) => holders.has(holder)) &&
      [...this.#reads].every((reads) => reads === sight.reads) &&
      [...this.#stones].every((stones) => stones === sight.stones)
    );
  }
}

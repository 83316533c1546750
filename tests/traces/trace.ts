import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** At a position in code points: how many to delete, and what to insert. */
export type TracePatch = readonly [position: number, deleted: number, inserted: string];

/** What somebody typed, one transaction after another, and what came of it. */
export interface SequentialTrace {
  readonly startContent: string;
  readonly endContent: string;
  readonly txns: readonly { readonly patches: readonly TracePatch[] }[];
}

/** What two people typed at once. A transaction goes on from all that its parents have seen, and no more. */
export interface ConcurrentTrace {
  readonly endContent: string;
  readonly txns: readonly {
    readonly agent: 0 | 1;
    readonly parents: readonly number[];
    readonly patches: readonly TracePatch[];
  }[];
}

/** Reads tests/vectors/traces. */
export function readTrace<Trace extends SequentialTrace | ConcurrentTrace>(name: string): Trace {
  const file = new URL(`../vectors/traces/${name}.json.gz`, import.meta.url);
  return JSON.parse(gunzipSync(readFileSync(file)).toString("utf8"));
}

/** A text with a cursor: typing where one typed last costs nothing, whatever the length of the text. */
class TypedText {
  readonly #before: string[] = [];
  /** What stands behind the cursor, last first. */
  readonly #after: string[];

  constructor(start: string) {
    this.#after = [...start].reverse();
  }

  type([position, deleted, inserted]: TracePatch): void {
    while (this.#before.length > position) this.#after.push(this.#before.pop()!);
    while (this.#before.length < position) this.#before.push(this.#after.pop()!);
    this.#after.length -= deleted;
    this.#before.push(...inserted);
  }

  toString(): string {
    return this.#before.join("") + this.#after.toReversed().join("");
  }
}

/** The text after each `size` patches, and at the end. */
export function* revisionsOf({ startContent, txns }: SequentialTrace, size: number): Generator<string> {
  const text = new TypedText(startContent);
  let typed = 0;
  for (const patch of txns.flatMap(({ patches }) => patches)) {
    text.type(patch);
    typed += 1;
    if (typed % size === 0) yield text.toString();
  }
  if (typed % size !== 0) yield text.toString();
}

/** How many transactions of each agent have been seen. Each agent has seen all of its own. */
export type Seen = readonly [number, number];

/** A character, who typed it in which of their transactions, and in which one of each agent it was deleted. */
interface Typed {
  readonly character: string;
  readonly agent: 0 | 1;
  readonly at: number;
  readonly deletedAt: [number, number];
}

/**
 * Every character that two people ever typed, in the order that both came to, so that the text can be read as it
 * stood on either screen at any time.
 */
export class SharedText {
  readonly #typed: Typed[] = [];

  constructor({ txns }: ConcurrentTrace) {
    const seenAfter: Seen[] = [];
    for (const { agent, parents, patches } of txns) {
      const seen: [number, number] = [0, 0];
      for (const parent of parents)
        for (const who of [0, 1] as const) seen[who] = Math.max(seen[who], seenAfter[parent]?.[who] ?? 0);
      for (const patch of patches) this.#type(patch, agent, seen);
      seen[agent] += 1;
      seenAfter.push(seen);
    }
  }

  /** The text of those who have seen this much. */
  read(seen: Seen): string {
    return this.#typed
      .filter((typed) => isShown(typed, seen))
      .map(({ character }) => character)
      .join("");
  }

  #type([position, deleted, inserted]: TracePatch, agent: 0 | 1, seen: Seen): void {
    const at = seen[agent];
    let index = 0;
    for (let passed = 0; passed < position; index++) if (isShown(this.#typed[index]!, seen)) passed += 1;
    for (let next = index, left = deleted; left > 0; next++) {
      const typed = this.#typed[next]!;
      if (!isShown(typed, seen)) continue;
      typed.deletedAt[agent] = at;
      left -= 1;
    }
    const fresh = [...inserted].map(
      (character): Typed => ({
        character,
        agent,
        at,
        deletedAt: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      }),
    );
    this.#typed.splice(index, 0, ...fresh);
  }
}

function isShown({ agent, at, deletedAt }: Typed, seen: Seen): boolean {
  return at < seen[agent] && deletedAt[0] >= seen[0] && deletedAt[1] >= seen[1];
}

import { sha256Hex } from "../../base/index.js";

/** A broken invariant. */
export interface Violation {
  /** Which one, in a word or two. */
  readonly rule: string;
  readonly what: string;
  /** Milliseconds since the world began. */
  readonly at: number;
}

/** What a simulated world has shown: everything that happened, what was counted, and what should not have been. */
export class Trace {
  readonly #lines: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly violations: Violation[] = [];

  constructor(
    private readonly now: () => number,
    /** Hears each line as it comes. */
    private readonly hear: (line: string) => void = () => undefined,
  ) {}

  note(line: string): void {
    const dated = `${this.now()} ${line}`;
    this.#lines.push(dated);
    this.hear(dated);
  }

  count(what: string, by = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + by);
  }

  /** An invariant was looked at: `holds` says whether it does. Gives that back. */
  check(rule: string, holds: boolean, what: () => string): boolean {
    this.count(`check ${rule}`);
    if (!holds) this.violate(rule, what());
    return holds;
  }

  violate(rule: string, what: string): void {
    this.note(`VIOLATION ${rule}: ${what}`);
    this.violations.push({ rule, what, at: this.now() });
  }

  /** What was counted whose name begins with `kind`, by the rest of its name. */
  counted(kind: string): Readonly<Record<string, number>> {
    const own = [...this.#counts].filter(([name]) => name.startsWith(`${kind} `));
    return Object.fromEntries(own.map(([name, count]) => [name.slice(kind.length + 1), count]));
  }

  /** The same for two worlds in which the same things happened. */
  get hash(): string {
    return sha256Hex(this.#lines.join("\n"));
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}

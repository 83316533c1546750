/** Messages to mutate, in all; more by KEYSAGA_FUZZ. */
export const total = Number(process.env["KEYSAGA_FUZZ"] ?? 100_000);
/** Other messages by another seed. */
export const seed = Number(process.env["KEYSAGA_FUZZ_SEED"] ?? 1);
/** Only this case, to see it again. */
const only = process.env["KEYSAGA_FUZZ_CASE"];

export type Part = "machines" | "peers" | "texts";

/**
 * What of all messages goes to live peers; the rest to the machines alone, which is some ten times as many in the same
 * time. Texts come beside them.
 */
const shares: Readonly<Record<Part, number>> = { machines: 0.95, peers: 0.05, texts: 0.2 };

/** The numbers of the cases of one part: all of them, or the one that was asked for. */
export function casesOf(part: Part): readonly number[] {
  // A trace for each of so many errors costs more than the errors; the one case that is run again has them.
  if (only === undefined) Error.stackTraceLimit = 0;
  const count = Math.ceil(total * shares[part]);
  if (only === undefined) return Array.from({ length: count }, (_, at) => at);
  const [name, at] = only.split(":");
  return name === part ? [Number(at)] : [];
}

/** How to run exactly one case again. */
export function rerunOf(part: Part, at: number): string {
  return `KEYSAGA_FUZZ_SEED=${seed} KEYSAGA_FUZZ_CASE=${part}:${at} npx vitest run tests/fuzz/${part}.test.ts`;
}

/** What is wrong with a case, with all that is needed to see it again. */
export class CaseFailed extends Error {
  constructor(part: Part, at: number, what: string, wrong: unknown) {
    const reason = wrong instanceof Error ? (wrong.stack ?? wrong.message) : String(wrong);
    super(`${part} case ${at} (${what})\n  again: ${rerunOf(part, at)}\n  ${reason}`, { cause: wrong });
  }
}

/** What a part has done, and how fast: for the log, never for a verdict. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #began = process.cpuUsage();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  tell(part: Part, more: string): void {
    const count = casesOf(part).length;
    const { user, system } = process.cpuUsage(this.#began);
    const seconds = (user + system) / 1e6;
    const rate = Math.round(count / seconds);
    console.log(
      `fuzz, ${part}: ${count} messages, seed ${seed}, ${seconds.toFixed(1)} s of CPU, ${rate} a second; ${more}\n` +
        [...this.#counts]
          .sort()
          .map(([name, times]) => `  ${name}: ${times}`)
          .join("\n"),
    );
  }
}

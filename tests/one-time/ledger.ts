/**
 * Which message each one-time key has signed: one, whatever happens. `watch.ts` brings it into every test of the suite,
 * `in-child.ts` into processes that tests start.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programOf } from "../programs/program.js";

/** A one-time key by the hash of its public key; a message by its digest. Both in hex. */
export interface Signed {
  readonly key: string;
  readonly message: string;
}

/** A one-time key was about to sign a second message, or has done so. */
export class SignedTwice extends Error {
  override readonly name = "SignedTwice";

  constructor({ key, message }: Signed) {
    super(`one-time key ${key.slice(0, 12)} signs a second message: ${message.slice(0, 12)}`);
  }
}

/** Remembers what was signed, and says so at the second message of a key. */
export class Ledger {
  readonly #messages = new Map<string, Set<string>>();
  readonly #second: SignedTwice[] = [];
  readonly #identities = new Set<string>();
  readonly #signatures = new Map<string, number>();

  /** How often a message was signed: again is no second message. */
  timesSigned(message: string): number {
    return this.#signatures.get(message) ?? 0;
  }

  /** @throws SignedTwice, unless `mayBeSecond`. @returns Whether it is a second message. */
  note(signed: Signed, mayBeSecond = false): boolean {
    const messages = this.#messages.get(signed.key) ?? new Set();
    const isSecond = messages.size > 0 && !messages.has(signed.message);
    messages.add(signed.message);
    this.#messages.set(signed.key, messages);
    this.#signatures.set(signed.message, this.timesSigned(signed.message) + 1);
    if (!isSecond || mayBeSecond) return isSecond;
    const error = new SignedTwice(signed);
    this.#second.push(error);
    throw error;
  }

  /**
   * An identity was founded. Its nonce is fresh: where there was one of that address before, a world is made anew from
   * its seed, with the same keys, and what was signed in the one before does not count.
   */
  found(identity: string): void {
    if (this.#identities.has(identity)) this.anew();
    this.#identities.add(identity);
  }

  /** A world is put back to where it was, and lives on another way: what was signed so far does not count. */
  anew(): void {
    this.#messages.clear();
    this.#identities.clear();
    this.#signatures.clear();
  }

  /** Throws what `note` has thrown since the last look, in case that somebody has swallowed it. */
  check(): void {
    const [first] = this.#second.splice(0);
    if (first) throw first;
  }
}

const current = new Ledger();
/** Runs of `signsTwice` under way, and second messages in them. */
let forks = 0;
let forked = 0;

/** The ledger of this test file. */
export function ledger(): Ledger {
  return current;
}

/** A signature that is about to be made. @throws SignedTwice */
export function noteSigned(signed: Signed): void {
  if (current.note(signed, forks > 0)) forked++;
}

/** What `work` signs at once may be a second message: it is what the holder of a key can do who breaks the rules. */
export function mayFork<Result>(work: () => Result): Result {
  forks++;
  try {
    return work();
  } finally {
    forks--;
  }
}

/**
 * Whatever `work` does may sign a second message: an identity is copied on purpose, to see what others make of it.
 *
 * @throws Error where no key has signed a second message: then this is not needed.
 */
export async function signsTwice<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  const before = forked;
  forks++;
  const result = await (async () => work())().finally(() => forks--);
  if (forked === before) throw new Error("signsTwice is not needed: no key has signed a second message");
  return result;
}

/**
 * For a test file whose worlds hold each key to one message themselves, and are lived again and again from one seed.
 *
 * @returns What ends it.
 */
export function watchThemselves(): () => void {
  forks++;
  return () => {
    forks--;
  };
}

/** Where the processes that this test file starts write what they sign: a line `KEY MESSAGE`, before it is signed. */
const childFile = join(tmpdir(), `keysaga-one-time-${process.pid}-${Math.random().toString(36).slice(2)}`);

/** What a test gives a process that it starts, so that what it signs is checked as well. */
export const inChild = {
  args: () => ["--import", programOf("tests/one-time/in-child.ts")],
  env: { KEYSAGA_ONE_TIME_FILE: childFile },
};

/** What processes have signed so far. The last line of one that was killed may be cut off. */
export function signedInChildren(): readonly Signed[] {
  if (!existsSync(childFile)) return [];
  const lines = readFileSync(childFile, "utf8").split("\n");
  return lines.flatMap((line) => {
    const [key, message] = line.split(" ");
    return key?.length === 64 && message?.length === 64 ? [{ key, message }] : [];
  });
}

/** Holds what processes have signed against each other and against this process. @throws SignedTwice */
export function checkChildren(): void {
  for (const signed of signedInChildren()) current.note(signed);
  rmSync(childFile, { force: true });
}

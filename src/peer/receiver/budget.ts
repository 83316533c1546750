import { KeysagaError, limitExceeded } from "../../base/index.js";

/** A limit by its name, for the error. */
export interface NamedLimit {
  readonly limit: string;
  readonly max: number;
}

/** What may be held at a time, by one and by all. It is claimed before it is held, in the step that checks it. */
export class Budget<Who> {
  readonly #held = new Map<Who, number>();
  #all = 0;

  constructor(
    private readonly inAll: NamedLimit,
    private readonly ofOne = inAll,
  ) {}

  /** What `who` is about to hold, beside what others do in its name. */
  share(who: Who): Share {
    return new Share((amount) => this.#claim(who, amount));
  }

  /** @returns The limit that is in the way; then nothing is claimed. */
  #claim(who: Who, amount: number): NamedLimit | undefined {
    const held = (this.#held.get(who) ?? 0) + amount;
    if (amount > 0 && held > this.ofOne.max) return this.ofOne;
    if (amount > 0 && this.#all + amount > this.inAll.max) return this.inAll;
    this.#all += amount;
    if (held > 0) this.#held.set(who, held);
    else this.#held.delete(who);
    return undefined;
  }
}

/** Part of a budget: claimed bit by bit, given back whole, and then over. */
export class Share {
  #held = 0;
  #isOver = false;

  constructor(private readonly move: (amount: number) => NamedLimit | undefined) {}

  /** @throws KeysagaError `limit_exceeded`, or `connection_closed` where it is over; then nothing is claimed. */
  claim(amount: number): void {
    const exceeded = this.#move(amount);
    if (exceeded) throw limitExceeded(exceeded.limit, exceeded.max);
  }

  /** @returns Whether it fits; if not, nothing is claimed. @throws KeysagaError `connection_closed` where it is over. */
  tryClaim(amount: number): boolean {
    return this.#move(amount) === undefined;
  }

  #move(amount: number): NamedLimit | undefined {
    if (this.#isOver) throw new KeysagaError("connection_closed");
    const exceeded = this.move(amount);
    if (exceeded === undefined) this.#held += amount;
    return exceeded;
  }

  /** What is still under way for whom it was claims nothing any more: nobody would give that back. */
  release(): void {
    this.#isOver = true;
    this.move(-this.#held);
    this.#held = 0;
  }
}

/** @throws KeysagaError `limit_exceeded` */
export function checkLimit({ limit, max }: NamedLimit, count: number): void {
  if (count > max) throw limitExceeded(limit, max);
}

import { limitExceeded } from "../../base/index.js";

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

  #claim(who: Who, amount: number): void {
    const held = (this.#held.get(who) ?? 0) + amount;
    if (amount > 0) {
      checkLimit(this.ofOne, held);
      checkLimit(this.inAll, this.#all + amount);
    }
    this.#all += amount;
    if (held > 0) this.#held.set(who, held);
    else this.#held.delete(who);
  }
}

/** Part of a budget: claimed bit by bit, given back whole. */
export class Share {
  #held = 0;

  constructor(private readonly move: (amount: number) => void) {}

  /** @throws KeysagaError `limit_exceeded`; then nothing is claimed. */
  claim(amount: number): void {
    this.move(amount);
    this.#held += amount;
  }

  release(): void {
    this.move(-this.#held);
    this.#held = 0;
  }
}

/** @throws KeysagaError `limit_exceeded` */
export function checkLimit({ limit, max }: NamedLimit, count: number): void {
  if (count > max) throw limitExceeded(limit, max);
}

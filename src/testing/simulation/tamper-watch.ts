import type { Message } from "../../transport/index.js";
import type { LinkEnd, SimulatedLink } from "./link.js";
import { signedIn } from "./spoken.js";
import type { Trace } from "./trace.js";

/** What was altered on its way is noticed: no session comes of such a handshake, and no saga of such a turn is done. */
export class TamperWatch {
  /** Ends that something else was said to than what was meant. */
  readonly #handshakes = new Set<LinkEnd>();
  readonly #sagas = new Set<LinkEnd>();
  /** Those that have heard it. */
  readonly #misled = new Set<LinkEnd>();
  /** Ends that have said what ends a saga: what is said in their name behind that is not about it. */
  readonly #final = new Set<LinkEnd>();

  constructor(private readonly trace: Trace) {}

  /** The sender begins a saga: what was altered before is not about it. */
  began(link: SimulatedLink): void {
    this.#sagas.delete(link.sender);
    this.#sagas.delete(link.receiver);
  }

  altered(from: LinkEnd, message: Message, onward: readonly Message[]): void {
    const to = from.link.other(from);
    for (const other of onward) {
      if (other === message) continue;
      const [was, is] = [signedIn(message), signedIn(other)];
      if (was === "handshake") this.#handshakes.add(to);
      else if (was === "saga" || (is !== undefined && !this.#final.has(from))) this.#sagas.add(to);
    }
  }

  /** Something altered that was to be signed has arrived: nothing signed is said there any more. */
  arrived(end: LinkEnd): void {
    if (this.#sagas.has(end)) this.#misled.add(end);
  }

  saysTurn(end: LinkEnd, turn: string): void {
    if (turn === "commit" || turn === "receipt") this.#final.add(end);
    else this.#final.delete(end);
    const isSame = !this.#misled.has(end);
    this.trace.check(
      "altered messages are noticed",
      isSame,
      () => `link ${end.link.id}: the ${end.side} goes on`,
    );
  }

  connected(end: LinkEnd): void {
    const isSame = !this.#handshakes.has(end);
    this.trace.check("altered messages are noticed", isSame, () => `link ${end.link.id} connected`);
  }

  done(end: LinkEnd): void {
    const isSame = !this.#sagas.has(end);
    this.trace.check("altered messages are noticed", isSame, () => `a saga on link ${end.link.id} is done`);
  }
}

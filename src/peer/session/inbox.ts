/** A peer's one queue of events, with one consumer. */
export class Inbox<Event> {
  readonly #events: Event[] = [];
  #waiting: ((event: Event) => void) | undefined;

  /** Events that nobody has taken yet. */
  get size(): number {
    return this.#events.length;
  }

  put(event: Event): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(event);
    else this.#events.push(event);
  }

  /** The next event; at most one caller waits. */
  next(): Promise<Event> {
    const event = this.#events.shift();
    if (event !== undefined) return Promise.resolve(event);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}

import { KeysagaError } from "../../src/base/index.js";

/** Where the calls of one side on its store, and on its embedder, come by. */
export class CallGate {
  /** Told what comes by. */
  onCall: (name: string) => void = () => undefined;
  #waiting: (() => void)[] = [];
  #holds: (name: string) => boolean = () => false;
  #failing: string | undefined;

  /** Calls of these names go no further from now on, nor do their results: all calls where none is named. */
  hold(...names: readonly string[]): void {
    this.#holds = (name) => names.length === 0 || names.includes(name);
  }

  /** Lets go on what was held, in the order it came. */
  release(): void {
    this.#holds = () => false;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** The next call of this name fails, one that is held included. */
  fail(name: string): void {
    this.#failing = name;
  }

  before = async (name: string): Promise<void> => {
    this.onCall(name);
    await this.#turn(name);
    if (this.#failing !== name) return;
    this.#failing = undefined;
    throw new KeysagaError("store_failed", { test: name });
  };

  after = (name: string): Promise<void> => this.#turn(name);

  async #turn(name: string): Promise<void> {
    if (this.#holds(name)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

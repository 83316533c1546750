/** Lets work on one name through one at a time, in the order it came, and work on different names side by side. */
export class Gates {
  readonly #last = new Map<string, Promise<void>>();

  async pass<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(name);
    let open = (): void => undefined;
    const mine = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#last.set(name, mine);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
      open();
    }
  }
}

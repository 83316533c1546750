/** Runs tasks one at a time, in the order asked. A task that fails fails its caller and holds up nobody. */
export class Gate {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

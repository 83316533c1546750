import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What one side of a measurement can be asked to do. Arguments and results travel as structured clones. */
export type Api = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** A process of its own that serves an `Api`. */
export class Child<Served extends Api> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  /** @param file Name of a module of this folder that calls `serve`. */
  constructor(file: string, execArgv: readonly string[] = []) {
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      serialization: "advanced",
      execArgv: [...execArgv],
    });
    this.#process.on("message", (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#process.on("exit", (code) => {
      for (const [id, answered] of this.#waiting) answered({ id, error: `${file} exited with ${code}` });
    });
  }

  async call<Name extends keyof Served & string>(
    name: Name,
    argument: Parameters<Served[Name]>[0],
  ): Promise<Awaited<ReturnType<Served[Name]>>> {
    const id = this.#calls++;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      const call: Call = { id, name, argument };
      this.#process.send(call);
    });
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${name}: ${answer.error}`);
    return answer.result as Awaited<ReturnType<Served[Name]>>; // `serve` was given the same Api
  }

  /** Ends the process; resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.disconnect();
    await gone;
  }
}

/** Answers the calls of the process that started this one, one at a time, until it lets go. */
export function serve(api: Api): void {
  let last = Promise.resolve();
  process.on("message", (call: Call) => {
    last = last.then(async () => {
      const answer = await run(api, call);
      if (process.connected) process.send?.(answer);
    });
  });
  process.on("disconnect", () => process.exit());
}

async function run(api: Api, { id, name, argument }: Call): Promise<Answer> {
  try {
    return { id, result: await api[name]?.(argument as never) }; // typed where it was called
  } catch (thrown) {
    return { id, error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
  }
}

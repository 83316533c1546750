import { KeysagaError } from "../../base/index.js";
import type { SimulatedProcess } from "./process.js";
import type { Trace } from "./trace.js";

interface Call {
  readonly process: SimulatedProcess;
  readonly what: string;
}

/**
 * The calls of a world's processes: each that lives long enough is told how it went, once, and by a typed error if badly.
 */
export class Calls {
  readonly #running = new Set<Call>();

  constructor(
    private readonly trace: Trace,
    /** Does an error fit what goes wrong here? */
    private readonly isFitting: (code: string, call: string) => boolean,
  ) {}

  /** Those that somebody still waits for. */
  get running(): readonly string[] {
    return [...this.#running]
      .filter(({ process }) => process.isAlive)
      .map(({ process, what }) => `${process.name} ${what}`);
  }

  /**
   * @param done Hears of success.
   * @param failed Hears of the code it failed with.
   */
  begin<Result>(
    process: SimulatedProcess,
    what: string,
    work: () => Promise<Result>,
    done: (result: Result) => void = () => undefined,
    failed: (code: string) => void = () => undefined,
  ): void {
    const call = { process, what };
    this.#running.add(call);
    this.trace.note(`${process.name} ${what}`);
    const end = (how: string) => {
      const isFirst = this.#running.delete(call);
      this.trace.check("told once", isFirst, () => `${process.name} ${what}: ${how}`);
      this.trace.note(`${process.name} ${what}: ${how}`);
    };
    process.outcomeOf(
      work(),
      (result) => {
        end("done");
        done(result);
      },
      (thrown) => {
        const code = thrown instanceof KeysagaError ? thrown.code : "untyped";
        end(code);
        this.trace.count(`ended ${code}`);
        this.trace.check(
          "errors fit",
          this.isFitting(code, what),
          () => `${process.name} ${what}: ${explain(thrown)}`,
        );
        failed(code);
      },
    );
  }
}

function explain(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { stack = thrown.message, cause } = thrown;
  return cause === undefined ? stack : `${stack}\ncaused by ${explain(cause)}`;
}

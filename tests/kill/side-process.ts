import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Line, Order } from "./steps.js";

/** A process of one side, as the story that kills it sees it. */
export class SideProcess {
  /** What it has told so far, and nobody took yet. */
  #told: Line[] = [];
  #look: () => void = () => undefined;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #over: Promise<void>;
  #isOver = false;

  constructor(program: string) {
    this.#child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin.on("error", () => undefined); // what is ordered of a dead process
    const lines = createInterface({ input: this.#child.stdout });
    lines.on("line", (line) => {
      this.#told.push(JSON.parse(line));
      this.#look();
    });
    const isRead = new Promise((resolve) => lines.once("close", resolve));
    this.#over = new Promise((resolve) => {
      this.#child.once("close", () => {
        void isRead.then(() => {
          this.#isOver = true;
          this.#look();
          resolve();
        });
      });
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  order(order: Order): void {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** Resolves with all it has told since the last call, once that includes `kind` or it is dead. */
  async until(kind: Line["kind"]): Promise<readonly Line[]> {
    while (!this.#isOver && !this.#told.some((line) => line.kind === kind)) {
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
    return this.takeTold();
  }

  takeTold(): readonly Line[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  /** kill -9; resolves when it is dead and all it told is here. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    return this.#over;
  }

  /** Resolves when it has ended: of itself, or killed. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Where it ended of itself, in an error: undefined for one that was killed. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }
}

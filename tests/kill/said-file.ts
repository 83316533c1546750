import { closeSync, openSync, readSync } from "node:fs";
import type { SaidLine } from "./steps.js";

/** Reads what a process writes down before it says it. */
export class SaidFile {
  readonly #file: number;
  #rest = "";

  constructor(readonly path: string) {
    this.#file = openSync(path, "a+");
  }

  /** What came since the last call. A line that a death has cut off was not said. */
  take(): readonly SaidLine[] {
    const buffer = Buffer.alloc(1 << 18);
    let text = this.#rest;
    for (let read = -1; read !== 0; text += buffer.toString("latin1", 0, read))
      read = readSync(this.#file, buffer);
    const lines = text.split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map((line) => JSON.parse(line));
  }

  close(): void {
    closeSync(this.#file);
  }
}

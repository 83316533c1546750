import type { PeerEvent } from "../index.js";
import { type Context, printable } from "./context.js";
import type { FolderProgress } from "./folder/folder-progress.js";
import { sizeOf } from "./folder/report.js";

/** Milliseconds of a command before its progress is shown, and between two looks of it. */
const quietMs = 1_000;
const redrawMs = 200;

const eraseLine = "\r\u001b[K";

/**
 * One line on a terminal that tells what a command is at, from its second second on, and is gone when anything else is
 * printed. Where standard error is no terminal, nothing is ever shown.
 */
export class ProgressLine {
  #text = "";
  #isDrawn = false;
  #isHidden = false;
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onExit = () => this.clear();

  constructor(private readonly out: Context["stderr"]) {
    if (out.isTTY !== true) return;
    this.#timer = setInterval(() => this.#draw(), redrawMs).unref();
    process.on("exit", this.#onExit); // a second Ctrl-C ends the process where it is
  }

  show(text: string | undefined): void {
    this.#text = text ?? this.#text;
  }

  /** Makes room for a line that stays. */
  clear(): void {
    if (this.#isDrawn) this.out.write(eraseLine);
    this.#isDrawn = false;
  }

  /** Shows nothing while `work` has the terminal, as a question does. */
  async aside<Result>(work: () => Promise<Result>): Promise<Result> {
    this.clear();
    this.#isHidden = true;
    try {
      return await work();
    } finally {
      this.#isHidden = false;
    }
  }

  close(): void {
    clearInterval(this.#timer);
    process.off("exit", this.#onExit);
    this.clear();
  }

  #draw(): void {
    const isDue = performance.now() - this.#began >= quietMs;
    if (this.#isHidden || this.#text === "" || !isDue) return;
    const width = (this.out.columns || 80) - 1;
    this.out.write(eraseLine + [...printable(this.#text)].slice(0, width).join(""));
    this.#isDrawn = true;
  }
}

export function folderProgressText({ doing, files, of }: FolderProgress): string {
  return `${doing} files: ${numberOf(files)} of ${numberOf(of)}`;
}

const waitings = {
  queued: "waiting for a call before this one",
  turn: "waiting for the receiver to answer",
  credit: "waiting for the receiver to take what was sent",
  others: "waiting for others, who change the same",
} as const;

/** What a connection is at, from its events. */
export class ExchangeProgress {
  #records = 0;
  #bytes = 0;
  #total = 0;
  #since = 0;

  /** @returns Undefined for an event that changes nothing of it. */
  textOf(event: PeerEvent): string | undefined {
    switch (event.kind) {
      case "connected":
        return "connected: comparing";
      case "started":
        [this.#records, this.#bytes, this.#total] = [0, 0, 0];
        return undefined;
      case "payload": {
        if (this.#records === 0) this.#since = performance.now();
        this.#records += event.records;
        this.#bytes += event.bytes;
        const doing = event.from === "sender" ? "sending" : "receiving";
        return `${doing}: ${this.#counts()}, ${sizeOf(this.#bytes)}${this.#rate()}`;
      }
      case "progress":
        this.#total = event.total;
        return undefined;
      case "waiting":
        return waitings[event.reason];
      default:
        return undefined;
    }
  }

  /** Of how many it is not always known. */
  #counts(): string {
    const of = this.#total >= this.#records ? ` of ${numberOf(this.#total)}` : "";
    return `${numberOf(this.#records)}${of} records`;
  }

  /** Nothing for what has not gone on for a second. */
  #rate(): string {
    const seconds = (performance.now() - this.#since) / 1_000;
    return seconds < 1 ? "" : `, ${sizeOf(Math.round(this.#bytes / seconds))}/s`;
  }
}

function numberOf(count: number): string {
  return count.toLocaleString("en");
}

import type { Address, IbGib } from "../../ibgib/index.js";
import { sagaLimits } from "../../saga/index.js";
import type { Progress } from "./progress.js";

/** Bytes of a payload frame beside each record. */
const overheadBytes = 4;

/** A record that goes out, and those of its links whose targets stay away and were not named before. */
export interface Departure {
  readonly record: IbGib;
  readonly references: readonly Address[];
}

/** Records on their way out, in the order given, in frames within the limits. Holds one frame at a time. */
export class Outflow {
  readonly #records: AsyncIterator<Departure>;
  #batch: IbGib[] = [];
  #batchBytes = 0;
  /** What the batch names to stay away; of those of one portion there is a limit. */
  #references: Address[] = [];
  /** Was read, and is the first of the next frame. */
  #next: Departure | undefined;
  /** Of what was expected, up to the last record of the batch. */
  #passed: number;

  /**
   * @param progress Told by whoever gives the records which of them it has passed.
   * @param frames Each resolves once what it was given has gone out.
   */
  constructor(
    records: AsyncIterable<Departure>,
    private readonly progress: Progress,
    private readonly frames: {
      name(references: readonly Address[]): Promise<void>;
      say(records: readonly IbGib[]): Promise<void>;
    },
  ) {
    this.#records = records[Symbol.asyncIterator]();
    this.#passed = progress.passed;
  }

  /**
   * Sends records until so many bytes have gone, and no more than a record beyond, or as many references as a turn may have.
   * Are there more?
   */
  async send(bytes: number): Promise<boolean> {
    let sent = 0;
    let named = 0;
    for (;;) {
      this.#next ??= await this.#read();
      const next = this.#next;
      if (next === undefined) break;
      named += next.references.length;
      const isEnough = sent + this.#batchBytes >= bytes || named > sagaLimits.referencesMax;
      if (isEnough || this.#isFull(next.record)) sent += await this.#flush();
      if (isEnough) return true;
      this.#add(next);
    }
    await this.#flush();
    this.progress.end();
    return false;
  }

  async #read(): Promise<Departure | undefined> {
    const { done, value } = await this.#records.next();
    return done === true ? undefined : value;
  }

  #isFull(record: IbGib): boolean {
    const size = record.bytes.length + overheadBytes;
    return (
      this.#batch.length === sagaLimits.payloadRecordsMax ||
      this.#batchBytes + size > sagaLimits.messageBytesMax
    );
  }

  #add({ record, references }: Departure): void {
    this.#next = undefined;
    this.#references.push(...references);
    this.#batch.push(record);
    this.#batchBytes += record.bytes.length + overheadBytes;
    this.#passed = this.progress.passed;
  }

  async #flush(): Promise<number> {
    const bytes = this.#batchBytes;
    if (this.#references.length > 0) await this.frames.name(this.#references);
    if (this.#batch.length > 0) await this.frames.say(this.#batch);
    this.progress.sent(this.#passed);
    this.#batch = [];
    this.#references = [];
    this.#batchBytes = 0;
    return bytes;
  }
}

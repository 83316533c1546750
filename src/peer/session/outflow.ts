import type { IbGib } from "../../ibgib/index.js";
import { sagaLimits } from "../../saga/index.js";
import type { Progress } from "./progress.js";

/** Bytes of a payload frame beside each record. */
const overheadBytes = 4;

/** Records on their way out, in the order given, in frames within the limits. Holds one frame at a time. */
export class Outflow {
  readonly #records: AsyncIterator<IbGib>;
  #batch: IbGib[] = [];
  #batchBytes = 0;
  /** Was read, and is the first of the next frame. */
  #next: IbGib | undefined;
  /** Of what was expected, up to the last record of the batch. */
  #passed: number;

  /**
   * @param progress Told by whoever gives the records which of them it has passed.
   * @param say Resolves once the frame has gone out.
   */
  constructor(
    records: AsyncIterable<IbGib>,
    private readonly progress: Progress,
    private readonly say: (records: readonly IbGib[]) => Promise<void>,
  ) {
    this.#records = records[Symbol.asyncIterator]();
    this.#passed = progress.passed;
  }

  /** Sends records until so many bytes have gone, and no more than a record beyond. Are there more? */
  async send(bytes: number): Promise<boolean> {
    let sent = 0;
    for (;;) {
      this.#next ??= await this.#read();
      const record = this.#next;
      if (record === undefined) break;
      const isEnough = sent + this.#batchBytes >= bytes;
      if (isEnough || this.#isFull(record)) sent += await this.#flush();
      if (isEnough) return true;
      this.#add(record);
    }
    await this.#flush();
    this.progress.end();
    return false;
  }

  async #read(): Promise<IbGib | undefined> {
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

  #add(record: IbGib): void {
    this.#next = undefined;
    this.#batch.push(record);
    this.#batchBytes += record.bytes.length + overheadBytes;
    this.#passed = this.progress.passed;
  }

  async #flush(): Promise<number> {
    const bytes = this.#batchBytes;
    if (this.#batch.length > 0) await this.say(this.#batch);
    this.progress.sent(this.#passed);
    this.#batch = [];
    this.#batchBytes = 0;
    return bytes;
  }
}

import type { Durability } from "./bare.js";
import type { BareReceiverApi } from "./bare-receiver.js";
import type { BareSenderApi } from "./bare-sender.js";
import { Child } from "./child.js";
import type { ReceiverApi } from "./keysaga-receiver.js";
import type { Memory } from "./memory.js";
import type { SenderApi } from "./keysaga-sender.js";
import { type Summary, summarize } from "./statistics.js";
import type { Crossing } from "./transcript.js";
import type { Shape } from "./workload.js";

/** One job, by keysaga and by both forms of the bare exchange, in milliseconds. */
export interface Comparison {
  readonly job: string;
  readonly keysaga: Summary;
  /** The first run, by processes that have only just started. */
  readonly coldMs: number;
  /** One flushed transaction, for the records. */
  readonly bare: Summary;
  /** Two flushed transactions on each side, one for each durable statement. */
  readonly bareDurable: Summary;
  readonly ratio: number;
  readonly ratioDurable: number;
}

/** The four processes of a comparison: a sender and a receiver of each kind. */
export class Bench {
  readonly #receiver = new Child<ReceiverApi>("keysaga-receiver.js");
  readonly #sender = new Child<SenderApi>("keysaga-sender.js");
  readonly #bareReceiver = new Child<BareReceiverApi>("bare-receiver.js");
  readonly #bareSender = new Child<BareSenderApi>("bare-sender.js");

  /** A graph, over a new connection, from a home to one that is empty and that it has never met. */
  async push(job: string, shape: Shape, count: number, runs: number): Promise<Comparison> {
    const push = async (isObserved: boolean) => {
      const audience = await this.#receiver.call("open", {});
      await this.#sender.call("holdGraph", { audience, shape, count });
      return this.#sender.call("sync", { isObserved });
    };
    await this.#bareSender.call("holdGraph", { shape, count });
    return this.#compare(job, push, push, runs);
  }

  /** One record, over a new connection, to a receiver that knows sender and timeline. */
  async record(job: string, runs: number): Promise<Comparison> {
    const audience = await this.#receiver.call("open", {});
    await this.#sender.call("holdNote", { audience });
    await this.#sender.call("sync", { isObserved: false });
    let edits = 0;
    const edit = async (isObserved: boolean) => {
      await this.#sender.call("edit", `text ${edits++}`);
      return this.#sender.call("sync", { isObserved });
    };
    return this.#compare(job, edit, edit, runs);
  }

  /** One record, over a new connection, between a sender and a receiver that have never heard of each other. */
  async meeting(job: string, runs: number): Promise<Comparison> {
    const meet = async (isObserved: boolean) => {
      const audience = await this.#receiver.call("open", {});
      await this.#sender.call("holdNote", { audience });
      return this.#sender.call("sync", { isObserved });
    };
    return this.#compare(job, meet, meet, runs);
  }

  async end(): Promise<void> {
    await this.#receiver.call("close", undefined);
    await this.#sender.call("close", undefined);
    await this.#bareReceiver.call("close", undefined);
    await Promise.all(
      [this.#receiver, this.#sender, this.#bareReceiver, this.#bareSender].map((child) => child.end()),
    );
  }

  /** Interleaved, so that whatever else the machine does falls on all alike. */
  async #compare(
    job: string,
    first: (isObserved: boolean) => Promise<{ ms: number; transcript: readonly Crossing[] }>,
    next: typeof first,
    runs: number,
  ): Promise<Comparison> {
    const cold = await first(true);
    const bare = (durability: Durability) => this.#bare(cold.transcript, durability);
    const taken = { keysaga: [] as number[], bare: [] as number[], bareDurable: [] as number[] };
    for (let run = 0; run <= runs; run++) {
      const keysaga = await next(false);
      const [plain, durable] = [await bare("records"), await bare("every-statement")];
      if (run === 0) continue; // warms up
      taken.keysaga.push(keysaga.ms);
      taken.bare.push(plain);
      taken.bareDurable.push(durable);
    }
    const keysaga = summarize(taken.keysaga);
    const [plain, durable] = [summarize(taken.bare), summarize(taken.bareDurable)];
    return {
      job,
      coldMs: cold.ms,
      keysaga,
      bare: plain,
      bareDurable: durable,
      ratio: keysaga.median / plain.median,
      ratioDurable: keysaga.median / durable.median,
    };
  }

  async #bare(transcript: readonly Crossing[], durability: Durability): Promise<number> {
    const url = await this.#bareReceiver.call("open", { transcript, durability });
    return this.#bareSender.call("push", { url, transcript, durability });
  }
}

/** What a receiver holds while records arrive. */
export interface MemoryUse {
  readonly records: number;
  readonly bytes: number;
  /** Over what the process had before. */
  readonly grown: Memory;
  readonly largestMessageBytes: number;
}

/** Pushes a graph between fresh processes, and watches the receiver's memory. */
export async function measureMemory(shape: Shape, count: number): Promise<MemoryUse> {
  const receiver = new Child<ReceiverApi>("keysaga-receiver.js", ["--expose-gc"]);
  const sender = new Child<SenderApi>("keysaga-sender.js");
  try {
    const audience = await receiver.call("open", {});
    await sender.call("holdGraph", { audience, shape, count });
    await receiver.call("watchMemory", { everyMs: 25 });
    const { transcript } = await sender.call("sync", { isObserved: true });
    const payload = transcript.filter(({ type }) => type === "payload");
    return {
      records: payload.reduce((sum, { records }) => sum + records, 0),
      bytes: payload.reduce((sum, { bytes }) => sum + bytes, 0),
      grown: await receiver.call("memoryGrown", undefined),
      largestMessageBytes: Math.max(...transcript.map(({ bytes }) => bytes)),
    };
  } finally {
    await sender.call("close", undefined);
    await receiver.call("close", undefined);
    await Promise.all([receiver.end(), sender.end()]);
  }
}

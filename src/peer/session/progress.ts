import type { Address, IbGib } from "../../ibgib/index.js";
import type { SendPlan } from "../../saga/index.js";
import type { OnEvent } from "./events.js";

/**
 * How far the records of a saga have gone out, in those that its plans name: see `progress` in `PeerEvent`. Counting
 * reads nothing and costs a look-up for each record.
 */
export class Progress {
  #total = 0;
  #passed = 0;
  #told = 0;
  #stones: ReadonlySet<Address> = new Set();

  constructor(
    private readonly saga: string,
    private readonly direction: "up" | "down",
    private readonly onEvent: OnEvent,
  ) {}

  /** What is about to go out comes on top of what went. @param stones Those among it that are known by name. */
  expect({ timelines, branches }: SendPlan, stones: ReadonlySet<Address>): void {
    const before = this.#total;
    this.#stones = stones;
    this.#total += timelines.reduce((sum, { after, n }) => sum + n - after, 0);
    this.#total += branches.reduce((sum, { frames }) => sum + frames.length, 0);
    this.#total += stones.size;
    if (this.#total > before) this.#tell();
  }

  /** A record is on its way. @param isPlanned Is it a frame that the plan names? */
  pass({ address }: IbGib, isPlanned: boolean): void {
    if (isPlanned || this.#stones.has(address)) this.#passed++;
  }

  /** Of what was expected. */
  get passed(): number {
    return this.#passed;
  }

  /** The connection has taken so many. */
  sent(records: number): void {
    if (records === this.#told) return;
    this.#told = records;
    this.#tell();
  }

  /** Everything has gone. */
  end(): void {
    this.#passed = this.#total;
    this.sent(this.#total);
  }

  #tell(): void {
    const { saga, direction } = this;
    this.onEvent({ kind: "progress", saga, direction, records: this.#told, total: this.#total });
  }
}

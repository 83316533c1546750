import type { IbGib } from "../../ibgib/index.js";
import type { PayloadContent } from "../../saga/index.js";
import { HeardEvidence } from "../session/heard-evidence.js";
import type { Share } from "./budget.js";

/**
 * What an item of a list takes beside its text: measured, the text and this make what the heap holds of it, up to twice as
 * much where all of its strings have a character beyond Latin-1.
 */
const itemBytes = 256;

/** What has come for a saga of a receiver and is held until that has ended, in memory or staged. */
export class Inflow {
  /** Lists, and what proves who has made which frames. */
  readonly evidence = new HeardEvidence();
  #isCut = false;

  constructor(
    private readonly listed: Share,
    private readonly staged: Share,
  ) {}

  /** Was there no room for a record? Then none that came behind it is staged either. */
  get isCut(): boolean {
    return this.#isCut;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** For lists and evidence. @throws KeysagaError `limit_exceeded` */
  hear(frame: Uint8Array, { records, entries, evidence, references }: PayloadContent): void {
    if (records.length > 0) return;
    const items = entries.length + evidence.length + references.length;
    this.listed.claim(frame.length + items * itemBytes);
    this.evidence.hear(evidence);
  }

  /** For what is held of this side's own while the saga runs. @returns Whether there is room for it. */
  tryHold(items: number, bytesEach: number): boolean {
    return this.listed.tryClaim(items * bytesEach);
  }

  /** Of records that are to be staged, those that there is room for. */
  admit(records: readonly IbGib[]): readonly IbGib[] {
    const beyond = records.findIndex(({ bytes }) => this.#isCut || !this.staged.tryClaim(bytes.length));
    if (beyond < 0) return records;
    this.cut();
    return records.slice(0, beyond);
  }

  /** Staged by an earlier saga, and from now on for this one. @returns Whether there is room for it. */
  takeOver(bytes: number): boolean {
    return this.staged.tryClaim(bytes);
  }

  release(): void {
    this.listed.release();
    this.staged.release();
  }
}

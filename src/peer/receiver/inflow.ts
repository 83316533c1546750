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

  constructor(
    private readonly listed: Share,
    private readonly staged: Share,
  ) {}

  /** @throws KeysagaError `limit_exceeded` */
  hear(frame: Uint8Array, { records, entries, evidence, references }: PayloadContent): void {
    if (records.length > 0) this.staged.claim(frame.length);
    else {
      const items = entries.length + evidence.length + references.length;
      this.listed.claim(frame.length + items * itemBytes);
    }
    this.evidence.hear(evidence);
  }

  /** Staged by an earlier saga, and from now on for this one. @throws KeysagaError `limit_exceeded` */
  takeOver(bytes: number): void {
    this.staged.claim(bytes);
  }

  release(): void {
    this.listed.release();
    this.staged.release();
  }
}

import { describeError, type ErrorCode, type Moment, toKeysagaError } from "../base/index.js";
import { type PeerEvent, type Receiver, systemPlatform } from "../peer/index.js";

/** What says that nothing can be stored here, where it is not told by the other side. */
const storeCodes: ReadonlySet<ErrorCode> = new Set([
  "disk_full",
  "file_refused",
  "file_failed",
  "store_failed",
  "store_damaged",
]);
/** How often the store is tried at most, however often somebody asks. */
const tryEveryMs = 1_000;

/**
 * Whether a receiver can store anything: as long as its disk has room, and no session has failed over its store. From
 * then on the store is tried when somebody asks, until it works again.
 */
export class Readiness {
  #trouble: ErrorCode | undefined;
  #trying: Promise<void> | undefined;
  #triedAt: Moment = Number.NEGATIVE_INFINITY;

  /** What happens in the receiver's sessions. */
  hear(event: PeerEvent): void {
    if (event.kind === "dropped") this.#take(event.code);
    if (event.kind === "closed" && event.error && event.error.facts["told"] === undefined)
      this.#take(event.error.code);
  }

  /** @returns Why it is not ready: a code, what happened and what to do, without paths, since anybody may ask; undefined if it is. */
  async reason(receiver: Receiver): Promise<string | undefined> {
    const code = codeOf(() => receiver.checkRoom()) ?? (await this.#tried(receiver));
    return code && `${code}: ${describeError(code)}`;
  }

  async #tried(receiver: Receiver): Promise<ErrorCode | undefined> {
    if (this.#trouble === undefined) return undefined;
    this.#trying ??= this.#try(receiver).finally(() => {
      this.#trying = undefined;
    });
    await this.#trying;
    return this.#trouble;
  }

  async #try(receiver: Receiver): Promise<void> {
    const now = systemPlatform.clock.elapsed();
    if (now - this.#triedAt < tryEveryMs) return;
    this.#triedAt = now;
    try {
      await receiver.tryStore();
      this.#trouble = undefined;
    } catch (thrown) {
      this.#trouble = toKeysagaError(thrown, "store_failed").code;
    }
  }

  #take(code: ErrorCode): void {
    if (storeCodes.has(code)) this.#trouble = code;
  }
}

function codeOf(look: () => void): ErrorCode | undefined {
  try {
    look();
    return undefined;
  } catch (thrown) {
    return toKeysagaError(thrown, "store_failed").code;
  }
}

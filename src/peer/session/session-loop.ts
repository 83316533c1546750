import { type KeysagaError, limitExceeded, toKeysagaError } from "../../base/index.js";
import type { Platform } from "../home/platform.js";
import { Inbox } from "./inbox.js";
import type { Heard } from "./link.js";

/** How often time-outs are looked at. */
const tickMs = 1_000;
/**
 * Messages of the other side that may wait. Turns alternate, payload has credit, and what goes ahead of a handshake's
 * message comes in full messages: an honest peer has fewer.
 */
const unreadMax = 64;

/** What keeps a loop alive: what arrives, the ends of effects, what callers ask, and time. */
export type LoopEvent<Message, Own> =
  | Heard<Message>
  | { readonly kind: "tick" }
  /** Ends the session: `error` says why, where it is not an orderly end. */
  | { readonly kind: "end"; readonly error: KeysagaError | undefined }
  | { readonly kind: "own"; readonly event: Own };

/**
 * The one consumer of a session's events. It waits for its inbox and nothing else; whatever takes time is begun as
 * an effect and comes back as an event, so a lost peer, an abort or a tick is seen while an effect runs.
 */
export class SessionLoop<Message, Own> {
  readonly #inbox = new Inbox<LoopEvent<Message, Own>>();
  /** What was begun and has not ended. */
  readonly #underWay = new Set<Promise<void>>();
  #stopTick: () => void = () => undefined;
  #isOver = false;

  constructor(private readonly platform: Platform) {}

  readonly put = (event: LoopEvent<Message, Own>): void => {
    if (this.#isOver) return;
    if (event.kind !== "message" || this.#inbox.size < unreadMax) this.#inbox.put(event);
    else
      this.#inbox.put({
        kind: "end",
        error: limitExceeded("unreadMax", unreadMax),
      });
  };

  /**
   * Starts something that takes time. Its result arrives as an event of its own; its failure ends the session.
   * Work that outlives the session ends unheard.
   */
  begin(work: () => Promise<Own | undefined>): void {
    const ended = work().then(
      (event) => event !== undefined && this.put({ kind: "own", event }),
      (thrown: unknown) => this.put({ kind: "end", error: toKeysagaError(thrown) }),
    );
    const done = ended.then(() => void this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Resolves when nothing that was begun goes on; what hangs makes it wait for ever. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Runs until `take` says that the session is over; resolves with the reason. Never rejects. */
  async run(take: (event: Exclude<LoopEvent<Message, Own>, { kind: "end" }>) => KeysagaError | undefined) {
    this.#tick();
    try {
      for (;;) {
        const event = await this.#inbox.next();
        if (event.kind === "end") return event.error;
        const error = take(event);
        if (error) return error;
        if (event.kind === "closed") return event.error;
      }
    } catch (thrown) {
      return toKeysagaError(thrown);
    } finally {
      this.#isOver = true;
      this.#stopTick();
    }
  }

  #tick(): void {
    this.#stopTick = this.platform.timers.after(tickMs, () => {
      this.put({ kind: "tick" });
      if (!this.#isOver) this.#tick();
    });
  }
}

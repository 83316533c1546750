import { KeysagaError } from "../../../src/base/index.js";
import type { Tap, TapRule } from "../../../src/testing/index.js";

/** What a fault may do to a saga under way. */
export interface Hands {
  readonly tap: () => Tap;
  readonly cancel: AbortController;
  disconnect(): void;
  /** Cuts the connection. */
  sever(): void;
  failStore(side: "sender" | "receiver"): void;
}

type Fault = (hands: Hands, to: "sender" | "receiver") => void;

/** Each fails a saga in a way of its own. */
export const faults: Readonly<Record<string, Fault>> = {
  "an invalid message": ({ tap }, to) => tap().inject(to, '{"type":"nonsense"}'),
  "the peer's error": ({ tap }, to) => tap().inject(to, '{"type":"error","code":"sync_error"}'),
  "no JSON": ({ tap }, to) => tap().inject(to, "{"),
  "bytes out of turn": ({ tap }, to) => tap().inject(to, Uint8Array.of(9)),
  "a lost connection": ({ sever }) => sever(),
  "an abort": ({ cancel }) => cancel.abort(),
  "a disconnect": ({ disconnect }) => disconnect(),
  "a store of the sender": ({ failStore }) => failStore("sender"),
  "a store of the receiver": ({ failStore }) => failStore("receiver"),
};

/** Lets messages pass, and does `act` at number `at`; what the fault cuts off goes nowhere. */
export function ruleAt(at: number, act: (to: "sender" | "receiver") => void): TapRule {
  let passed = 0;
  return ({ to, message }) => {
    if (passed++ === at) act(to);
    return [message];
  };
}

/** A store that fails when it is told to, once. */
export class FailingStore {
  #isDue = false;

  fail(): void {
    this.#isDue = true;
  }

  /** What was to fail and was not called any more, does not fail later. */
  calm(): void {
    this.#isDue = false;
  }

  readonly before = (): void => {
    if (!this.#isDue) return;
    this.#isDue = false;
    throw new KeysagaError("store_failed", { test: "told to" });
  };
}

import type { ed25519Once } from "../../src/keystone/strategy.js";
import type { Signed } from "./ledger.js";

type Once = typeof ed25519Once;

/** The strategy, with `note` told of each signature before it is made. */
export function watched(strategy: Once, note: (signed: Signed) => void): Once {
  return {
    ...strategy,
    solve(opening, key, digest) {
      note({ key: strategy.commitmentOf(opening), message: Buffer.from(digest).toString("hex") });
      return strategy.solve(opening, key, digest);
    },
  };
}

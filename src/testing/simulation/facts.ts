import { gibOf, type Address } from "../../ibgib/index.js";
import { fromUtf8 } from "../../base/index.js";
import { tipOn } from "./disk-watch.js";
import type { Home } from "./home.js";
import type { Ledger } from "./ledger.js";
import type { Trace } from "./trace.js";

interface Fact {
  readonly what: string;
  readonly holds: () => boolean;
}

/** Sessions whose proofs a peer keeps of one lane; what is older may be gone. */
const sessionsKept = 32;

/** What somebody was told is done. It stays so, whatever crashes. */
export class Facts {
  readonly #byHome = new Map<Home, Fact[]>();

  constructor(
    private readonly trace: Trace,
    private readonly ledger: Ledger,
  ) {}

  /** A tip was said to be there: it is in what the home shows. */
  tip(home: Home, tjp: Address, tip: Address): void {
    this.#add(home, `tip ${tip}`, () => {
      const now = tipOn(home.disk, tjp);
      return now !== undefined && this.ledger.historyOf(now).has(tip);
    });
  }

  /** A session was said to be live: its receiver keeps it. */
  session(home: Home, lane: Address, session: Address): void {
    this.#add(home, `session ${session}`, () => {
      if (home.disk.table("cells").has(`session/${session}`)) return true;
      const row = home.disk.table("cells").get(`lane/${lane}`);
      return row !== undefined && JSON.parse(fromUtf8(row) ?? "{}").sessions?.length === sessionsKept;
    });
  }

  grant(home: Home, grant: Address): void {
    this.#add(home, `grant ${grant}`, () => home.disk.table("proofs").has(gibOf(grant)));
  }

  /** How many there are of a home by now. */
  count(home: Home): number {
    return this.#byHome.get(home)?.length ?? 0;
  }

  /** The home was put back to when there were so many. */
  forget(home: Home, from: number): void {
    this.#byHome.get(home)?.splice(from);
  }

  check(home: Home): void {
    for (const { what, holds } of this.#byHome.get(home) ?? [])
      this.trace.check("what was said to be done is", holds(), () => `${home.name} has lost ${what}`);
  }

  #add(home: Home, what: string, holds: () => boolean): void {
    const fact = { what, holds };
    this.trace.check("what was said to be done is", holds(), () => `${home.name} has not ${what}`);
    const facts = this.#byHome.get(home) ?? [];
    this.#byHome.set(home, facts);
    facts.push(fact);
  }
}

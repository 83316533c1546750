import { type Address, gibOf } from "../../ibgib/index.js";
import { listFor, listsOf } from "../../lists/index.js";
import { cellKinds, parseCell } from "../../peer/home/cells.js";
import type { Share } from "../../peer/index.js";
import { followedIn, tipOn } from "./disk-watch.js";
import type { Home } from "./home.js";
import type { Ledger } from "./ledger.js";
import type { Trace } from "./trace.js";

/** Something that was said to be done. */
export interface Fact {
  readonly what: string;
  readonly holds: () => boolean;
}

/** What somebody was told is done. It stays so, whatever crashes. */
export class Facts {
  readonly #byHome = new Map<Home, Fact[]>();

  constructor(
    private readonly trace: Trace,
    private readonly ledger: Ledger,
  ) {}

  /**
   * A tip was said to be there: its heads are in what the home shows, as far as no list takes them out. A merge may have
   * made way for another.
   */
  tip(home: Home, tjp: Address, tip: Address): void {
    this.#add(home, `tip ${tip}`, () => {
      const now = tipOn(home.disk, tjp);
      const history = now === undefined ? new Set() : this.ledger.historyOf(now);
      return this.ledger.headsOf(tip).every((head) => history.has(head) || this.ledger.mayBeLeft(tjp, head));
    });
  }

  /** A session was said to be live: its receiver has followed the lane to the frame that vouches for it, or further. */
  session(home: Home, lane: Address, session: Address): void {
    const n = followedIn(home.disk.table("cells"), lane);
    this.#add(home, `session ${session}`, () => n > 0 && followedIn(home.disk.table("cells"), lane) >= n);
  }

  /** A list of the home's own says for how long it was shared with somebody, or that it is no more. */
  share(home: Home, { timeline, with: other, access, expires }: Share): void {
    const list = listsOf(timeline, home.address)[listFor[access]];
    const cell = `list-identity/${gibOf(list)}/${gibOf(other)}`;
    this.#add(home, `entry of ${other} in ${list}`, () => {
      const bytes = home.disk.table("cells").get(cell);
      const row = bytes && parseCell(cellKinds.listIdentity, bytes);
      return (
        row !== undefined && (row.withdrawn > 0 || row.entries.some((entry) => entry.expires === expires))
      );
    });
  }

  /** All that were said of a home by now. */
  of(home: Home): readonly Fact[] {
    return [...(this.#byHome.get(home) ?? [])];
  }

  /** The home was put back to when these were all. */
  reset(home: Home, facts: readonly Fact[]): void {
    this.#byHome.set(home, [...facts]);
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

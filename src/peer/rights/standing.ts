import { type Instant, KeysagaError, sameBytes } from "../../base/index.js";
import { type Address, type IbGib, isTjp } from "../../ibgib/index.js";
import type { Action, Entry } from "../../lists/index.js";
import type { CellChange, Look, Sight, Space } from "../../space/index.js";
import { type Asking, type Authorize, judge, openToAll, type Verdict } from "./rights.js";
import { claimUse } from "./uses.js";

/**
 * Who may read and write the timelines of a space: their owners and those whom their lists name; everyone who is admitted
 * (`open`: what others have added is taken without proof, and none is kept of it); or an embedder's own rule, over the
 * first where it says nothing.
 */
export type AccessPolicy = "owners" | "open" | Authorize;

/** How often rights are looked at anew because an entry was used or withdrawn meanwhile. */
const triesMax = 32;

export interface StandingOptions {
  readonly space: Space;
  /** Whose store it is. */
  readonly self: Address;
  readonly access: AccessPolicy;
  readonly now: () => Instant;
  /** A cell that has to stay as it is while the identity is let in at all; rejects once it is not. */
  readonly letIn?: () => Promise<CellChange>;
}

/**
 * What was found of an identity's rights since they were last looked at: one answer for each timeline, whatever happens
 * meanwhile, and all that the answers rest on.
 */
class Findings {
  readonly relied = new Map<string, CellChange>();
  until: Instant = Number.POSITIVE_INFINITY;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(
    private readonly asking: Asking,
    letIn: CellChange | undefined,
  ) {
    if (letIn) this.relied.set(letIn.key, letIn);
  }

  /** The same function for as long as it says the same. */
  readonly reads = (first: IbGib, look: Look): boolean => this.find("read", first, look).may;

  find(action: Action, first: IbGib, look: Look): Verdict {
    const name = `${action} ${first.address}`;
    const known = this.#verdicts.get(name);
    if (known) return known;
    const verdict = judge(this.asking, action, first, look);
    for (const cell of verdict.relied) if (!this.relied.has(cell.key)) this.relied.set(cell.key, cell);
    this.until = Math.min(this.until, verdict.until);
    if (verdict.isLasting) this.#verdicts.set(name, verdict);
    return verdict;
  }
}

/**
 * What an identity may know and do here, from the first turn of a saga to its last. Presence is not permission: beside
 * what it has itself sent, it sees the timelines that it may read, and nothing else.
 */
export class Standing {
  /** Entries with counted uses that this saga has used. */
  readonly #claimed = new Set<string>();
  #findings: Findings | undefined;
  readonly #stones = new Set<Address>();

  constructor(
    readonly identity: Address,
    private readonly options: StandingOptions,
  ) {}

  get isOpen(): boolean {
    return this.options.access === "open";
  }

  /** An embedder's own rule, where there is one. */
  get authorize(): Authorize | undefined {
    const { access } = this.options;
    return access === "open" ? openToAll : access === "owners" ? undefined : access;
  }

  /** Forgets what was found: from here on rights are as they are now. @throws what `letIn` rejects with. */
  async load(): Promise<void> {
    const { self, now, letIn } = this.options;
    const { identity, authorize } = this;
    const stays = await letIn?.();
    const asking = { identity, self, now: now(), authorize, claimed: this.#claimed };
    this.#findings = new Findings(asking, stays);
  }

  /**
   * Does so where something that was found rests on what is not as it was, or a time is over: what is taken back is so with
   * the very next turn. Else all stays the same, and what was staged need not be checked again.
   */
  async refresh(): Promise<void> {
    const { space, now } = this.options;
    const { relied, until } = this.#found;
    const isAsItWas = await space.look(({ cell }) =>
      [...relied.values()].every(({ key, from }) => sameBytes(cell(key), from)),
    );
    if (!isAsItWas || now() >= until) await this.load();
  }

  get #found(): Findings {
    if (!this.#findings) throw new KeysagaError("internal", { what: "rights that were not loaded" });
    return this.#findings;
  }

  /** What a commit has to find unchanged, so that a withdrawal which came meanwhile is not missed. */
  get relied(): readonly CellChange[] {
    return [...this.#found.relied.values()];
  }

  /** What counts as present to it. */
  get sight(): Sight | "anyone" {
    if (this.isOpen) return "anyone";
    return { holders: [this.identity], reads: this.#found.reads, stones: this.#stones };
  }

  /** From now on these stones count as present as well: what it may read leads to them. */
  readsStones(stones: Iterable<Address>): void {
    for (const stone of stones) this.#stones.add(stone);
  }

  /** Are the uses of an entry counted here? */
  countsFor({ receiver }: Entry): boolean {
    return receiver === this.options.self;
  }

  /** Has this saga used an entry already? */
  readonly hasClaimed = (key: string): boolean => this.#claimed.has(key);

  async reads(first: IbGib): Promise<boolean> {
    return (await this.readsAll([first]))[0] === true;
  }

  /** Which of these timelines may it read? @param firsts First frames; what is not there may not be read. */
  readsAll(firsts: readonly (IbGib | undefined)[]): Promise<readonly boolean[]> {
    return this.#mayAll("read", firsts);
  }

  writesAll(firsts: readonly (IbGib | undefined)[]): Promise<readonly boolean[]> {
    return this.#mayAll("write", firsts);
  }

  async #mayAll(action: Action, firsts: readonly (IbGib | undefined)[]): Promise<readonly boolean[]> {
    const found = this.#found;
    return this.options.space.look((look) =>
      firsts.map((first) => first !== undefined && found.find(action, first, look).may),
    );
  }

  /** May it write the timeline, and by which entry? */
  writes(first: IbGib): Promise<Pick<Verdict, "may" | "entry">> {
    const found = this.#found;
    return this.options.space.look((look) => found.find("write", first, look));
  }

  /**
   * Uses the entries that `action` on these timelines rests on, where their uses are counted: once in a saga, durably,
   * before anything is told. What is used up by then is not in force.
   *
   * @param firsts First frames; other records are passed over.
   * @returns Whether any was used, or had been used up: then rights were looked at anew.
   * @throws KeysagaError `keystone_moved` where entries keep moving.
   */
  async claim(firsts: readonly (IbGib | undefined)[], action: Action): Promise<boolean> {
    const timelines = firsts.flatMap((first) => (first && isTjp(first) ? [first] : []));
    for (let tries = 0; tries < triesMax; tries++) {
      if (await this.#claimAll(timelines, action)) return tries > 0;
      await this.load();
    }
    throw new KeysagaError("keystone_moved", { tries: triesMax });
  }

  async #claimAll(firsts: readonly IbGib[], action: Action): Promise<boolean> {
    const { space } = this.options;
    const found = this.#found;
    const entries = await space.look((look) =>
      firsts.flatMap((first) => counted(found.find(action, first, look).entry)),
    );
    for (const entry of entries) {
      if (this.#claimed.has(entry.key)) continue;
      try {
        if (!(await claimUse(space, this.identity, entry, this.relied))) return false;
      } catch (thrown) {
        if (thrown instanceof KeysagaError && thrown.code === "entry_used_up") return false;
        throw thrown;
      }
      this.#claimed.add(entry.key);
    }
    return true;
  }
}

function counted(entry: Entry | undefined): readonly Entry[] {
  return entry?.uses === undefined ? [] : [entry];
}

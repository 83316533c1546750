import { type Instant, KeysagaError, sameBytes } from "../../base/index.js";
import { type Address, type IbGib, isTjp } from "../../ibgib/index.js";
import type { Action } from "../../keystone/index.js";
import type { CellChange, Sight, Space } from "../../space/index.js";
import { type Authorize, loadRights, openToAll, type Rights } from "./rights.js";
import { claimUse } from "./uses.js";

/**
 * Who may read and write the timelines of a space: their owners and those they grant it to; everyone who is admitted
 * (`open`: what others have added is taken without proof, and none is kept of it); or an embedder's own rule, over the
 * first where it says nothing.
 */
export type AccessPolicy = "owners" | "open" | Authorize;

/** How often rights are loaded anew because a grant was used or withdrawn meanwhile. */
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
 * What an identity may know and do here, from the first turn of a saga to its last. Presence is not permission: beside
 * what it has itself sent, it sees the timelines that it may read, and nothing else.
 */
export class Standing {
  /** Grants with counted uses that this saga has used. */
  readonly #claimed = new Set<Address>();
  #rights: Rights | undefined;

  constructor(
    readonly identity: Address,
    private readonly options: StandingOptions,
  ) {}

  get isOpen(): boolean {
    return this.options.access === "open";
  }

  /** Loads what the identity may do now. @throws what `letIn` rejects with. */
  async load(): Promise<Rights> {
    const { space, self, access, now, letIn } = this.options;
    const authorize = access === "open" ? openToAll : access === "owners" ? undefined : access;
    const stays = letIn ? [await letIn()] : [];
    const rights = await loadRights(space, this.identity, {
      now: now(),
      self,
      authorize,
      claimed: this.#claimed,
    });
    this.#rights = { ...rights, unmoved: [...stays, ...rights.unmoved] };
    return this.#rights;
  }

  /**
   * Loads it again where an owner has said something new since, or a grant has expired: what is taken back is so with the
   * very next turn. Else it stays the very same, and what was staged need not be checked again.
   */
  async refresh(): Promise<void> {
    const { space, now } = this.options;
    const { unmoved, until } = this.rights;
    const cells = await Promise.all(unmoved.map(({ key }) => space.cell(key)));
    const isAsItWas = unmoved.every(({ from }, at) => sameBytes(cells[at], from));
    if (!isAsItWas || now() >= until) await this.load();
  }

  get rights(): Rights {
    if (!this.#rights) throw new KeysagaError("internal", { what: "rights that were not loaded" });
    return this.#rights;
  }

  /** What counts as present to it. */
  get sight(): Sight | "anyone" {
    if (this.isOpen) return "anyone";
    return { holders: [this.identity], reads: this.rights.reads };
  }

  /** Has this saga used a grant already? */
  readonly hasClaimed = (grant: Address): boolean => this.#claimed.has(grant);

  reads(first: IbGib): boolean {
    return this.isOpen || this.rights.reads(first);
  }

  /**
   * Uses the grants that `action` on these timelines rests on, where their uses are counted: once in a saga, durably,
   * before anything is told. What is used up by then is not in force.
   *
   * @param firsts First frames; other records are passed over.
   * @throws KeysagaError `keystone_moved` where grants keep moving.
   */
  async claim(firsts: readonly (IbGib | undefined)[], action: Action): Promise<void> {
    for (let tries = 0; tries < triesMax; tries++) {
      if (await this.#claimAll(firsts, action)) return;
      await this.load();
    }
    throw new KeysagaError("keystone_moved", { tries: triesMax });
  }

  async #claimAll(firsts: readonly (IbGib | undefined)[], action: Action): Promise<boolean> {
    const { space } = this.options;
    for (const first of firsts) {
      const grant = first && isTjp(first) ? this.rights.grantFor(first, action) : undefined;
      if (grant?.uses === undefined || this.#claimed.has(grant.address)) continue;
      try {
        if (!(await claimUse(space, grant, this.rights.unmoved))) return false;
      } catch (thrown) {
        if (thrown instanceof KeysagaError && thrown.code === "grant_used_up") return false;
        throw thrown;
      }
      this.#claimed.add(grant.address);
    }
    return true;
  }
}

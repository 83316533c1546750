import { type Clock, KeysagaError } from "../../base/index.js";
import { type Address, parseAddress } from "../../ibgib/index.js";
import type { Candidate } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import {
  type Cell,
  type CellValue,
  cellKinds,
  changeCell,
  readCell,
  readCells,
  sameCell,
} from "../home/cells.js";
import type { Identity } from "../home/identity.js";
import { type Invited, redemptionOf } from "./invite.js";

/**
 * Who may sync here, once it has proved who it is. Whatever the rule, whom `Receiver.admit` lets in is in, and whom
 * `Receiver.expel` turned out is out, whatever it brings, until it is admitted again.
 */
export type Admission =
  | { readonly kind: "open" }
  | { readonly kind: "allow-list"; readonly identities: readonly Address[] }
  /** Who shows an invite that `createInvite` made, and from then on for good; and whom the list names, if there is one. */
  | { readonly kind: "invite"; readonly identities?: readonly Address[] }
  /** The embedder's own rule. */
  | { readonly kind: "ask"; readonly admit: (identity: Address) => boolean | Promise<boolean> };

/** What an identity's first session has to be stored with: comparisons and changes of one commit. */
export interface Entry {
  readonly cells: readonly CellChange[];
  /** The invite that this uses up. */
  readonly invite: string | undefined;
}

type Kept = Cell<CellValue<"admission">>;

/** Who is let in: by the rule of this receiver, and by what is kept in its space, which every process on it shares. */
export class Admissions {
  constructor(
    private readonly home: Identity,
    private readonly rule: Admission,
    private readonly clock: Clock,
  ) {}

  /**
   * Is it clear that this one, who has proved nothing of its identity yet, will not be let in? Asks no embedder, who
   * would take it for proved. Changes nothing.
   *
   * @throws KeysagaError `not_admitted`, `invite_refused`.
   */
  async screen(candidate: Candidate): Promise<void> {
    if (this.rule.kind === "ask") await readAdmission(this.home.space, candidate.identity);
    else await this.check(candidate);
  }

  /**
   * Is this one let in as things stand? Changes nothing.
   *
   * @throws KeysagaError `not_admitted`, `invite_refused`, and what the embedder's own rule throws.
   */
  async check(candidate: Candidate): Promise<void> {
    const kept = await readAdmission(this.home.space, candidate.identity);
    if (kept.value?.state === "admitted" || (await this.#allows(candidate.identity))) return;
    await this.#redeem(kept, candidate);
  }

  /**
   * What has to hold, and change, in the very commit that stores the session of one that was let in: it is not expelled
   * meanwhile, and an invite is used up only with it.
   *
   * @throws KeysagaError as `check`; the embedder is not asked again.
   */
  async entry(candidate: Candidate): Promise<Entry> {
    const kept = await readAdmission(this.home.space, candidate.identity);
    const needsInvite = kept.value === undefined && !this.#names(candidate.identity);
    if (this.rule.kind === "invite" && needsInvite) return this.#redeem(kept, candidate);
    return { cells: [sameCell(kept)], invite: undefined };
  }

  async #allows(identity: Address): Promise<boolean> {
    switch (this.rule.kind) {
      case "open":
        return true;
      case "allow-list":
      case "invite":
        return this.#names(identity);
      case "ask":
        return this.rule.admit(identity);
    }
  }

  #names(identity: Address): boolean {
    return "identities" in this.rule && this.rule.identities?.includes(identity) === true;
  }

  async #redeem(kept: Kept, candidate: Candidate): Promise<Entry> {
    if (this.rule.kind !== "invite" || !isInvited(candidate)) throw new KeysagaError("not_admitted");
    const { invite } = candidate;
    const redemption = await redemptionOf(this.home, candidate, this.clock.now());
    const admitted = changeCell(kept, { state: "admitted", invite: invite.id });
    return { cells: [admitted, redemption], invite: invite.id };
  }
}

/**
 * A comparison for a commit in the name of an identity that was let in: it holds as long as that one is not expelled.
 *
 * @throws KeysagaError `not_admitted` for one that was.
 */
export async function stillLetIn(space: Space, identity: Address): Promise<CellChange> {
  return sameCell(await readAdmission(space, identity));
}

/** What is kept of whether an identity is let in. @throws KeysagaError `not_admitted` for one that was expelled. */
async function readAdmission(space: Space, identity: Address): Promise<Kept> {
  const kept = await readCell(space, cellKinds.admission, identity);
  if (kept.value?.state === "expelled") throw new KeysagaError("not_admitted", { rule: "expelled" });
  return kept;
}

/**
 * Lets an identity in for good, at every receiver of a home, whatever their rule says of it. Durable when this resolves,
 * and good for whoever connects then, in every process.
 */
export function admitIdentity(home: Identity, identity: Address): Promise<void> {
  return keep(home, identity, "admitted");
}

/**
 * Turns an identity out, at every receiver of a home, whatever their rule says of it and whatever it brings, until it is
 * admitted again. Durable when this resolves: no session of it is stored from then on, and no commit. Sessions that are
 * open end with their next turn; those of one receiver at once by `Receiver.expel`.
 */
export function expelIdentity(home: Identity, identity: Address): Promise<void> {
  return keep(home, identity, "expelled");
}

/** An identity that was let in or turned out, by name or by an invite. */
export interface KeptAdmission {
  readonly identity: Address;
  readonly state: "admitted" | "expelled";
  /** The invite that let it in. */
  readonly invite?: string | undefined;
}

/** Whom a home has let in, and turned out, beside the rules of its receivers. */
export async function admissionsOf({ space }: Pick<Identity, "space">): Promise<readonly KeptAdmission[]> {
  const kept = await readCells(space, cellKinds.admission, "");
  return kept.map(({ name, value }) => ({ identity: parseAddress(name), ...value }));
}

async function keep(
  { space, address }: Identity,
  identity: Address,
  state: KeptAdmission["state"],
): Promise<void> {
  for (;;) {
    const cell = await readCell(space, cellKinds.admission, identity);
    if (cell.value?.state === state) return;
    const cells = [changeCell(cell, { ...cell.value, state })];
    const { kind } = await space.commit({ holder: address, sight: { holders: [] }, cells });
    if (kind === "committed") return; // else another was faster, and is looked at again
  }
}

function isInvited(candidate: Candidate): candidate is Invited {
  return candidate.invite !== undefined;
}

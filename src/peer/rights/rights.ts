import { groupBy, type Instant } from "../../base/index.js";
import { type Address, gibOf, type IbGib, ownerOf, withinOf } from "../../ibgib/index.js";
import type { Action } from "../../keystone/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { cellKinds, newCell, readCells } from "../home/cells.js";
import { type Granted, grantState, grantsTo } from "./granted.js";
import { loadStated, type Stated } from "./stated.js";

/**
 * An embedder's own rule: may this identity do this with the timeline that `first` founds? Undefined leaves it to the
 * built-in one. Pure and quick: it is called inside a transaction, and often.
 */
export type Authorize = (identity: Address, action: Action, first: IbGib) => boolean | undefined;

/** The rule of a space that is open to all who are admitted. */
export const openToAll: Authorize = () => true;

export interface RightsOptions {
  readonly now: Instant;
  /** Whose store it is. */
  readonly self: Address;
  readonly authorize?: Authorize | undefined;
  /** Grants whose last use whoever asks has claimed: they are in force for that. */
  readonly claimed?: ReadonlySet<Address>;
}

/** What one identity may do, as it stood when this was loaded. */
export interface Rights {
  reads(first: IbGib): boolean;
  writes(first: IbGib): boolean;
  /**
   * The grant that `action` rests on; undefined where it needs none, or there is none. One that counts its uses comes
   * only where no other does, and has to be claimed (`claimUse`).
   */
  grantFor(first: IbGib, action: Action): Granted | undefined;
  /** Does any grant that they rest on count its uses? */
  readonly countsUses: boolean;
  /** What a commit has to find unchanged, so that a withdrawal which came meanwhile is not missed. */
  readonly unmoved: readonly CellChange[];
  /** When the first of the grants expires that they rest on. */
  readonly until: Instant;
}

/**
 * Loads what `of` may do. The owner of a timeline may do everything with it, and a grantee what a grant of the owner
 * says that is in force. A timeline without an owner is open to whoever brought it here first, and to `self`.
 *
 * Costs by the grants that `of` has, and by the frames of those who made them.
 */
export async function loadRights(
  space: Space,
  of: Address,
  { now, self, authorize = () => undefined }: RightsOptions,
): Promise<Rights> {
  const grants = await grantsTo(space, of);
  const issuers = [...new Set(grants.map(({ issuer }) => issuer))];
  const stated = new Map(
    await Promise.all(issuers.map(async (issuer) => [issuer, await loadStated(space, issuer)] as const)),
  );
  const inForce = await grantsInForce(space, grants, stated, { now, self });
  const founded = new Set(
    (await readCells(space, cellKinds.founder, `${gibOf(of)}/`)).map(({ name }) => name),
  );

  const mayAlone = (first: IbGib, action: Action): boolean | undefined => {
    const told = authorize(of, action, first);
    if (told !== undefined) return told;
    const owner = ownerOf(first);
    if (owner === undefined) return of === self || founded.has(first.gib);
    return owner === of ? true : undefined;
  };
  const byTimeline = groupBy(inForce, ({ timeline }) => timeline);
  const grantOf = (first: IbGib, action: Action) => {
    const owner = ownerOf(first);
    const extending = new Set([first.address, withinOf(first)]);
    const found = [...extending].flatMap((timeline) => (timeline && byTimeline.get(timeline)) ?? []);
    const allowing = found.filter(
      ({ issuer, access }) => issuer === owner && (access === "write" || action === "read"),
    );
    return allowing.find(({ uses }) => uses === undefined) ?? allowing[0];
  };
  const may = (first: IbGib, action: Action) =>
    mayAlone(first, action) ?? grantOf(first, action) !== undefined;

  return {
    reads: (first) => may(first, "read"),
    writes: (first) => may(first, "write"),
    grantFor: (first, action) => (mayAlone(first, action) === undefined ? grantOf(first, action) : undefined),
    countsUses: inForce.some(({ uses }) => uses !== undefined),
    unmoved: [...stated.values()].map(({ unmoved }) => unmoved),
    until: Math.min(...inForce.map(({ expires = Number.POSITIVE_INFINITY }) => expires)),
  };
}

/** What a commit changes that brings a timeline without an owner for the first time. */
export function foundTimeline(identity: Address, timeline: Address): CellChange {
  return newCell(cellKinds.founder, `${gibOf(identity)}/${gibOf(timeline)}`, { timeline });
}

/** Those that count uses last; those that are counted elsewhere not at all. */
async function grantsInForce(
  space: Space,
  grants: readonly Granted[],
  stated: ReadonlyMap<Address, Stated>,
  { now, self, claimed }: RightsOptions,
): Promise<readonly Granted[]> {
  const judged = await Promise.all(
    grants.map(async (granted) => {
      const from = stated.get(granted.issuer);
      const state = from && (await grantState(space, granted, from.statements, now));
      const isClaimed = state === "used up" && claimed?.has(granted.address) === true;
      return { granted, isInForce: state === "in force" || isClaimed };
    }),
  );
  return judged
    .filter(({ granted, isInForce }) => isInForce && (granted.receiver ?? self) === self)
    .map(({ granted }) => granted)
    .sort((a, b) => Number(a.uses !== undefined) - Number(b.uses !== undefined));
}

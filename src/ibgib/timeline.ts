import type { JsonObject } from "../base/index.js";
import { type Address, isIdentityAddress } from "./address.js";
import type { Rel8ns } from "./admission.js";
import { refuseChain } from "./chain.js";
import { isStandIn, nOf, ownerOf, previousOf, tjpOf } from "./frame.js";
import { type DraftData, type IbGib, sealRecord } from "./record.js";

/** Links that say where a record stands; only the functions of this folder write them. */
const structuralLinks: ReadonlySet<string> = new Set([
  "past",
  "tjp",
  "ancestor",
  "dna",
  "graftbase",
  "graftorphan",
]);

/** Members of `data` that say what a frame is; patches do not touch them. In a timeline with an owner, `by` as well. */
const timelineMembers: ReadonlySet<string> = new Set(["n", "isTjp", "uuid", "owner", "within", "merge"]);

/** Members to set at the top level of `data`; `undefined` takes one away. */
export type Patch = DraftData;

export interface NewTimeline {
  readonly ib: string;
  readonly data?: Patch | undefined;
  /** Links by names that are not structural; empty lists are dropped. */
  readonly rel8ns?: Rel8ns | undefined;
  /** The identity that may write, and share it with others. Without it, rights are local policy. */
  readonly owner?: Address | undefined;
  /** The identity that makes it, where that is not the owner. Right only `within` a timeline of that owner. */
  readonly by?: Address | undefined;
  /**
   * The first frame of the timeline that this one is a part of, as a file is of its folder: its access lists rule
   * this one as well. Stands in the first frame alone.
   */
  readonly within?: Address | undefined;
  /** Makes the timeline one of its own: fresh randomness, as text. */
  readonly uuid: string;
}

export interface NewFork {
  /** Unless given, that of the source. */
  readonly ib?: string | undefined;
  readonly data?: Patch | undefined;
  readonly owner?: Address | undefined;
  readonly uuid: string;
}

export interface Relation {
  readonly add?: Rel8ns | undefined;
  readonly remove?: Rel8ns | undefined;
}

/** Who makes a frame. */
export interface Made {
  /**
   * The identity that makes the frame; left out where that is the owner of the timeline. It stands in the frame, and
   * only that identity can prove the frame. In a timeline without an owner no maker is named.
   */
  readonly by?: Address | undefined;
}

/** An edit, beside what it sets in `data`. */
export interface Edit extends Made {
  /** Unless given, that of the frame before. */
  readonly ib?: string | undefined;
  /** Links added and taken away in the same frame; see `relate`. */
  readonly links?: Relation | undefined;
}

/**
 * The first frame of a new timeline.
 *
 * @throws KeysagaError `chain_refused` (`timeline_member`, `structural_link`, `by`, `within`), and as `sealRecord`.
 */
export function createTimeline({ ib, data = {}, rel8ns = {}, owner, by, within, uuid }: NewTimeline): IbGib {
  checkPatch(data, owner);
  checkLinkNames(rel8ns);
  const maker = makerMember(owner, by);
  if (maker !== undefined && within === undefined) refuseChain("within");
  return sealFirst(ib, data, rel8ns, { owner, by: maker, within, uuid });
}

/**
 * The next frame, with members of `data` set or taken away. Other data and links stay, foreign `dna` too; what says
 * that `tip` is a merge does not, nor who made `tip`: the next frame is an edit of its own maker's. An empty patch makes
 * a frame as well. On a stand-in (`isStandIn`) it goes on from the head that this shows.
 *
 * @throws KeysagaError `chain_refused` (`not_a_frame`, `timeline_member`, `structural_link`, `by`), and as `sealRecord`.
 */
export function mutate(tip: IbGib, patch: Patch, { ib = tip.ib, links = {}, ...made }: Edit = {}): IbGib {
  checkPatch(patch, ownerOf(tip));
  return sealNext(tip, ib, { ...contentOf(tip), ...patch }, relinked(carriedLinks(tip), links), made);
}

/**
 * The next frame, with links added and taken away. The lists of the names mentioned become sets: first occurrence
 * stays, additions go behind, taking away what is not there is no error.
 *
 * @throws KeysagaError `chain_refused` (`not_a_frame`, `structural_link`, `by`), and as `sealRecord`.
 */
export function relate(tip: IbGib, links: Relation, made: Made = {}): IbGib {
  return mutate(tip, {}, { links, ...made });
}

function relinked(links: Rel8ns, { add = {}, remove = {} }: Relation): Rel8ns {
  checkLinkNames(add);
  checkLinkNames(remove);
  const names = [...new Set([...Object.keys(add), ...Object.keys(remove)])];
  const changed = names.map((name) => {
    const taken = new Set(listOf(remove, name));
    const all = new Set([...listOf(links, name), ...listOf(add, name)]);
    return [name, [...all].filter((address) => !taken.has(address))] as const;
  });
  return { ...links, ...Object.fromEntries(changed) };
}

/**
 * The first frame of a new timeline that goes out from `source`, a frame or a stone: its content with `data` patched
 * in, its links, and `ancestor` naming it alone (what it was forked from itself stands in it). It is within nothing, so
 * its owner makes it.
 *
 * @throws KeysagaError `chain_refused` (`raw_data`, `timeline_member`), and as `sealRecord`.
 */
export function fork(source: IbGib, { ib = source.ib, data = {}, owner, uuid }: NewFork): IbGib {
  checkPatch(data, owner);
  const links = { ...carriedLinks(source), ancestor: [source.address] };
  const { by: field, ...content } = contentOf(source);
  // Where nobody owns the source `by` is a field of it, and one of the fork as long as nobody owns that.
  return sealFirst(ib, { ...content, by: owner ? undefined : field, ...data }, links, { owner, uuid });
}

function sealFirst(
  ib: string,
  content: DraftData,
  links: Rel8ns,
  { owner, by, within, uuid }: Pick<NewTimeline, "owner" | "by" | "within" | "uuid">,
): IbGib {
  return sealRecord({
    ib,
    data: { ...content, isTjp: true, n: 0, owner, ...(by && { by }), within, uuid },
    rel8ns: withoutEmpty(links),
  });
}

function sealNext(tip: IbGib, ib: string, content: DraftData, links: Rel8ns, { by }: Made): IbGib {
  const tjp = tjpOf(tip) ?? refuseChain("not_a_frame");
  const [uuid, owner] = [tip.member("uuid"), tip.member("owner")];
  const maker = makerMember(ownerOf(tip), by);
  // A stand-in has the number of the frame after the head that it shows.
  const [before, n] = isStandIn(tip) ? [previousOf(tip)!, nOf(tip)!] : [tip.address, (nOf(tip) ?? -1) + 1];
  const rel8ns = withoutEmpty({ ...links, past: [before], tjp: [tjp] });
  return sealRecord({ ib, data: { ...content, n, uuid, owner, ...(maker && { by: maker }) }, rel8ns });
}

/** What stands in `by`: nothing for the owner, and nothing where there is no owner. */
function makerMember(owner: Address | undefined, by: Address | undefined): Address | undefined {
  if (by !== undefined && !isIdentityAddress(by)) refuseChain("by");
  return owner === undefined || by === owner ? undefined : by;
}

/** What a record says, without what makes it this frame of this timeline. */
function contentOf(record: IbGib): JsonObject {
  if (record.data instanceof Uint8Array) return refuseChain("raw_data");
  const isOwned = ownerOf(record) !== undefined;
  const entries = Object.entries(record.data ?? {});
  return Object.fromEntries(entries.filter(([name]) => !isMember(name, isOwned)));
}

function isMember(name: string, isOwned: boolean): boolean {
  return timelineMembers.has(name) || (isOwned && name === "by");
}

/** The links that a next frame or a fork takes over. */
function carriedLinks(record: IbGib): Rel8ns {
  const { past: _past, tjp: _tjp, graftbase: _base, graftorphan: _orphan, ...carried } = record.rel8ns ?? {};
  return carried;
}

/** The links as a record may hold them: undefined rather than none at all. */
function withoutEmpty(links: Rel8ns): Rel8ns | undefined {
  const kept = Object.entries(links).filter(([, addresses]) => addresses.length > 0);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Names are anyone's: `links["constructor"]` is not a list. */
function listOf(links: Rel8ns, name: string): readonly Address[] {
  return Object.hasOwn(links, name) ? (links[name] ?? []) : [];
}

function checkPatch(patch: Patch, owner: Address | undefined): void {
  if (Object.keys(patch).some((name) => isMember(name, owner !== undefined))) refuseChain("timeline_member");
}

function checkLinkNames(links: Rel8ns): void {
  if (Object.keys(links).some((name) => structuralLinks.has(name))) refuseChain("structural_link");
}

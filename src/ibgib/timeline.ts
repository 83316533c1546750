import { type JsonObject, KeysagaError } from "../base/index.js";
import { type Address, isAddress } from "./address.js";
import type { Rel8ns } from "./admission.js";
import { type DraftData, type IbGib, sealRecord } from "./record.js";

/** Why a frame does not continue its timeline: the fact `rule` of a `chain_refused`. */
export type ChainRule =
  | "not_first"
  | "not_a_frame"
  | "n"
  | "past"
  | "raw_data"
  | "structural_link"
  | "timeline_member"
  | "tjp";

/** Links that say where a record stands; only the functions of this folder write them. */
const structuralLinks: ReadonlySet<string> = new Set([
  "past",
  "tjp",
  "ancestor",
  "dna",
  "graftbase",
  "graftorphan",
]);

/** Members of `data` that say what a frame is; patches do not touch them. */
const timelineMembers: ReadonlySet<string> = new Set(["n", "isTjp", "uuid", "owner", "within", "merge"]);

/** Members to set at the top level of `data`; `undefined` takes one away. */
export type Patch = DraftData;

export interface NewTimeline {
  readonly ib: string;
  readonly data?: Patch | undefined;
  /** Links by names that are not structural; empty lists are dropped. */
  readonly rel8ns?: Rel8ns | undefined;
  /** The identity that may write, and grant others to. Without it, rights are local policy. */
  readonly owner?: Address | undefined;
  /**
   * The first frame of the timeline that this one is a part of, as a file is of its folder: what the owner of both
   * grants on that one extends to this. Stands in the first frame alone.
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

/** Is this the first frame of a timeline? */
export function isTjp(record: IbGib): boolean {
  return objectOf(record)?.["isTjp"] === true;
}

/** The first frame of the timeline this belongs to; undefined for a stone. */
export function tjpOf(record: IbGib): Address | undefined {
  return record.rel8ns?.["tjp"]?.[0] ?? (isTjp(record) ? record.address : undefined);
}

/** Does this belong to a timeline? All other records are stones. */
export function isFrame(record: IbGib): boolean {
  return tjpOf(record) !== undefined;
}

/** The number of a frame; undefined where it has none (first frames by other software) and for stones. */
export function nOf(record: IbGib): number | undefined {
  const n = objectOf(record)?.["n"];
  return isFrame(record) && typeof n === "number" && Number.isSafeInteger(n) && n >= 0 ? n : undefined;
}

/** The frame before: the last of `past`. Undefined for first frames and stones, whose `past` is a plain link. */
export function previousOf(record: IbGib): Address | undefined {
  return isFrame(record) ? record.rel8ns?.["past"]?.at(-1) : undefined;
}

/** The identity that a first frame names as its owner; undefined where it names none, or nothing that could be one. */
export function ownerOf(first: IbGib): Address | undefined {
  return addressAt(first, "owner");
}

/** The timeline that a first frame says it is a part of. */
export function withinOf(first: IbGib): Address | undefined {
  return addressAt(first, "within");
}

/**
 * The first frame of a new timeline.
 *
 * @throws KeysagaError `chain_refused` (`timeline_member`, `structural_link`), and as `sealRecord`.
 */
export function createTimeline({ ib, data = {}, rel8ns = {}, owner, within, uuid }: NewTimeline): IbGib {
  checkPatch(data);
  checkLinkNames(rel8ns);
  return sealFirst(ib, data, rel8ns, { owner, within, uuid });
}

/**
 * The next frame, with members of `data` set or taken away. Other data and links stay, foreign `dna` too; what says
 * that `tip` is a merge does not: the next frame is an edit. An empty patch makes a frame as well.
 *
 * @throws KeysagaError `chain_refused` (`not_a_frame`, `timeline_member`), and as `sealRecord`.
 */
export function mutate(tip: IbGib, patch: Patch, { ib = tip.ib }: { readonly ib?: string } = {}): IbGib {
  checkPatch(patch);
  return sealNext(tip, ib, { ...contentOf(tip), ...patch }, carriedLinks(tip));
}

/**
 * The next frame, with links added and taken away. The lists of the names mentioned become sets: first occurrence
 * stays, additions go behind, taking away what is not there is no error.
 *
 * @throws KeysagaError `chain_refused` (`not_a_frame`, `structural_link`), and as `sealRecord`.
 */
export function relate(tip: IbGib, { add = {}, remove = {} }: Relation): IbGib {
  checkLinkNames(add);
  checkLinkNames(remove);
  const links = carriedLinks(tip);
  const names = [...new Set([...Object.keys(add), ...Object.keys(remove)])];
  const changed = names.map((name) => {
    const taken = new Set(listOf(remove, name));
    const all = new Set([...listOf(links, name), ...listOf(add, name)]);
    return [name, [...all].filter((address) => !taken.has(address))] as const;
  });
  return sealNext(tip, tip.ib, contentOf(tip), { ...links, ...Object.fromEntries(changed) });
}

/**
 * The first frame of a new timeline that goes out from `source`, a frame or a stone: its content with `data` patched
 * in, its links, and `ancestor` naming it alone (what it was forked from itself stands in it). It is within nothing.
 *
 * @throws KeysagaError `chain_refused` (`raw_data`, `timeline_member`), and as `sealRecord`.
 */
export function fork(source: IbGib, { ib = source.ib, data = {}, owner, uuid }: NewFork): IbGib {
  checkPatch(data);
  const links = { ...carriedLinks(source), ancestor: [source.address] };
  return sealFirst(ib, { ...contentOf(source), ...data }, links, { owner, uuid });
}

/** @throws KeysagaError `chain_refused` where `frame` cannot start a timeline: `not_first`, or an `n` other than 0. */
export function checkFirst(frame: IbGib): void {
  if (!isTjp(frame)) refuseChain("not_first");
  if (Object.hasOwn(objectOf(frame) ?? {}, "n") && nOf(frame) !== 0) refuseChain("n");
}

/**
 * Checks that `frame` comes right after `parent`. Costs no hash: both are admitted records.
 *
 * A `past` longer than the frame before has to be the whole chain; of that, this sees the first, the number, and
 * what `parent` shows of it.
 *
 * @param parent Itself checked before.
 * @throws KeysagaError `chain_refused`: `not_a_frame` (the parent), `tjp`, `n` or `past`.
 */
export function checkSuccessor(frame: IbGib, parent: IbGib): void {
  const tjp = tjpOf(parent) ?? refuseChain("not_a_frame");
  if (isTjp(frame) || tjpOf(frame) !== tjp) refuseChain("tjp");
  // A first frame by other software may have no n; the next one then is number 0.
  const n = (nOf(parent) ?? -1) + 1;
  if (nOf(frame) !== n) refuseChain("n");
  if (!isPastOf(frame.rel8ns?.["past"] ?? [], parent, tjp, n)) refuseChain("past");
}

function isPastOf(past: readonly Address[], parent: IbGib, tjp: Address, n: number): boolean {
  if (past.at(-1) !== parent.address) return false;
  if (past.length === 1) return true;
  const shown = [...listOf(parent.rel8ns ?? {}, "past"), parent.address];
  if (!shown.every((address, at) => address === past.at(at - shown.length))) return false;
  if (shown[0] === tjp) return past.length === shown.length;
  // Before frame n stand n frames, or n + 1 where the first had no number.
  const isWhole = past[0] === tjp && (past.length === n || past.length === n + 1);
  return isWhole && new Set(past).size === past.length;
}

function sealFirst(
  ib: string,
  content: DraftData,
  links: Rel8ns,
  members: Pick<NewTimeline, "owner" | "within" | "uuid">,
): IbGib {
  return sealRecord({
    ib,
    data: { ...content, isTjp: true, n: 0, ...members },
    rel8ns: withoutEmpty(links),
  });
}

function sealNext(tip: IbGib, ib: string, content: DraftData, links: Rel8ns): IbGib {
  const tjp = tjpOf(tip) ?? refuseChain("not_a_frame");
  const { uuid, owner } = objectOf(tip) ?? {};
  const n = (nOf(tip) ?? -1) + 1;
  const rel8ns = withoutEmpty({ ...links, past: [tip.address], tjp: [tjp] });
  return sealRecord({ ib, data: { ...content, n, uuid, owner }, rel8ns });
}

/** What a record says, without what makes it this frame of this timeline. */
function contentOf(record: IbGib): JsonObject {
  if (record.data instanceof Uint8Array) return refuseChain("raw_data");
  return Object.fromEntries(Object.entries(record.data ?? {}).filter(([name]) => !timelineMembers.has(name)));
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

function addressAt(record: IbGib, name: string): Address | undefined {
  const data = objectOf(record) ?? {};
  const value = Object.hasOwn(data, name) ? data[name] : undefined;
  return isAddress(value) ? value : undefined;
}

function objectOf(record: IbGib): JsonObject | undefined {
  return record.data instanceof Uint8Array ? undefined : record.data;
}

function checkPatch(patch: Patch): void {
  if (Object.keys(patch).some((name) => timelineMembers.has(name))) refuseChain("timeline_member");
}

function checkLinkNames(links: Rel8ns): void {
  if (Object.keys(links).some((name) => structuralLinks.has(name))) refuseChain("structural_link");
}

function refuseChain(rule: ChainRule): never {
  throw new KeysagaError("chain_refused", { rule });
}

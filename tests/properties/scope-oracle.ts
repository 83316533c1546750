/**
 * What may travel, as rules SC1 to SC15 say it, worked out anew from the records of a home: slowly, and with no code of a
 * saga.
 */
import {
  type Address,
  type IbGib,
  isMerge,
  isTjp,
  linksOf,
  makerOf,
  ownerOf,
  tjpOf,
  withinOf,
} from "../../src/ibgib/index.js";
import type { Space } from "../../src/space/index.js";

/** A link whose target was said to stay away by who has put it: by the timeline or stone that has it, and the target. */
export type Declared = ReadonlySet<string>;
export const declaredName = (holder: Address, target: Address): string => `${holder} ${target}`;

/** Every record of a home, and what it shows of each timeline. */
export class Records {
  private constructor(
    private readonly all: ReadonlyMap<Address, IbGib>,
    private readonly tips: ReadonlyMap<Address, Address>,
  ) {}

  /** @param known Every record that there is anywhere. */
  static async of(space: Space, known: readonly Address[]): Promise<Records> {
    const records = (await space.getMany(known)).flatMap((record) => record ?? []);
    const tips = (await space.tips(known)).flatMap((tip) => tip ?? []);
    return new Records(
      new Map(records.map((record) => [record.address, record])),
      new Map(tips.map(({ tjp, address }) => [tjp, address])),
    );
  }

  get(address: Address): IbGib | undefined {
    return this.all.get(address);
  }

  /** All frames of a timeline up to one of them; without it, up to what is shown. */
  history(tjp: Address, to = this.tips.get(tjp)): readonly IbGib[] {
    const met = new Set<Address>(to === undefined ? [] : [to]);
    const frames: IbGib[] = [];
    for (const address of met) {
      const frame = this.all.get(address);
      if (frame === undefined) continue;
      frames.push(frame);
      for (const name of ["past", "graftorphan"])
        for (const before of frame.rel8ns?.[name] ?? []) met.add(before);
    }
    return frames.sort((a, b) => numberOf(a) - numberOf(b));
  }

  /** Timelines that say that they are within this one and have its owner. */
  within(outer: Address): readonly Address[] {
    const owner = ownerIn(this.all.get(outer));
    const firsts = [...this.all.values()].filter((record) => isTjp(record) && withinOf(record) === outer);
    return firsts
      .filter((first) => owner !== undefined && ownerOf(first) === owner)
      .map(({ address }) => address);
  }
}

const ownerIn = (first: IbGib | undefined) => first && ownerOf(first);
const numberOf = ({ data }: IbGib) => Number((data as { n?: number } | undefined)?.n ?? 0);
const targetsOf = (record: IbGib) => new Set(linksOf(record).map(({ target }) => target));
const isExactIn = (record: IbGib, target: Address) =>
  linksOf(record)
    .filter((link) => link.target === target)
    .every(({ isExact }) => isExact);

/** What may go up from a home: every record, by address. */
export function mayGoUp(
  home: Records,
  self: Address,
  named: readonly Address[],
  declared: Declared,
): ReadonlySet<Address> {
  const going = new Set<Address>();
  const open = new Map<string, { readonly tjp: Address; readonly to: Address | undefined }>();
  const enter = (tjp: Address, to?: Address) => open.set(`${tjp} ${to}`, { tjp, to });
  for (const root of named) enter(root);
  for (const { tjp, to } of open.values()) {
    const frames = home.history(tjp, to);
    const put = linksPut(home, frames, self);
    for (const frame of frames) {
      going.add(frame.address);
      for (const target of targetsOf(frame))
        if (put.has(target) || !declared.has(declaredName(tjp, target))) enterStone(target);
    }
    if (to === undefined) for (const inner of home.within(tjp)) enter(inner);
    for (const [target, isExact] of put) follow(target, isExact);
  }
  return going;

  /** Stones go with what links them; what they lead to beyond stones does not. */
  function enterStone(address: Address): void {
    const stone = home.get(address);
    if (stone === undefined || tjpOf(stone) !== undefined || going.has(address)) return;
    going.add(address);
    for (const target of targetsOf(stone))
      if (!declared.has(declaredName(address, target))) enterStone(target);
  }

  /** What this identity has linked: through stones as well, as far as they have their own links. */
  function follow(address: Address, isExact: boolean, met = new Set<Address>()): void {
    const record = home.get(address);
    if (record === undefined || met.has(address)) return;
    met.add(address);
    const tjp = tjpOf(record);
    if (tjp !== undefined) return void enter(tjp, isTjp(record) && !isExact ? undefined : address);
    for (const target of targetsOf(record))
      if (!declared.has(declaredName(address, target))) follow(target, isExactIn(record, target), met);
  }
}

/** The links that somebody has put and not taken away since, and whether each means that very record. */
function linksPut(home: Records, frames: readonly IbGib[], self: Address): ReadonlyMap<Address, boolean> {
  const put = new Map<Address, boolean>();
  const [first] = frames;
  for (const frame of frames) {
    if (first === undefined || isMerge(frame) || makerOf(frame, first) !== self) continue;
    const before = ["past", "graftorphan"].flatMap((name) => frame.rel8ns?.[name] ?? []);
    const had = new Set(before.flatMap((address) => [...targetsOf(home.get(address) ?? frame)]));
    const has = targetsOf(frame);
    for (const target of has) if (!had.has(target)) put.set(target, isExactIn(frame, target));
    for (const target of had) if (!has.has(target)) put.delete(target);
  }
  return put;
}

/**
 * What may come down: what was named, what is within it with its owner, and what a frame of these links, as far as it may
 * be read; stones, where the link is no reference there.
 */
export function mayComeDown(
  there: Records,
  named: readonly Address[],
  mayRead: (timeline: IbGib) => boolean,
  declared: Declared,
): ReadonlySet<Address> {
  const coming = new Set<Address>();
  const open = new Set(named);
  for (const tjp of open) {
    const first = there.get(tjp);
    if (first === undefined || !mayRead(first)) continue;
    for (const inner of there.within(tjp)) open.add(inner);
    for (const frame of there.history(tjp)) {
      coming.add(frame.address);
      for (const target of targetsOf(frame)) enter(target, tjp);
    }
  }
  return coming;

  function enter(address: Address, holder: Address): void {
    const record = there.get(address);
    if (record === undefined || coming.has(address)) return;
    const tjp = tjpOf(record);
    if (tjp !== undefined) return void open.add(tjp);
    if (declared.has(declaredName(holder, address))) return;
    coming.add(address);
    for (const target of targetsOf(record)) enter(target, address);
  }
}

/** Of the timelines of which something came those that count: neither named, nor within what is, nor within one another. */
export function linkedOf(
  home: Records,
  named: readonly Address[],
  came: readonly Address[],
): readonly Address[] {
  const timelines = new Set(came.flatMap((address) => tjpOf(home.get(address)!) ?? []));
  const around = new Set([...named, ...timelines]);
  const inside = new Set<Address>(named);
  for (const outer of around)
    for (const inner of home.within(outer)) {
      around.add(inner);
      inside.add(inner);
    }
  return [...timelines].filter((timeline) => !inside.has(timeline));
}

/** What is not here of what these link, and what that links, and so on: with the timeline or stone that has the link. */
export function awayFrom(home: Records, roots: readonly Address[]): readonly (readonly [Address, Address])[] {
  const away = new Map<string, readonly [Address, Address]>();
  const open = new Set(roots);
  for (const holder of open) {
    const record = home.get(holder);
    if (record === undefined) continue;
    if (isTjp(record)) for (const inner of home.within(holder)) open.add(inner);
    for (const frame of isTjp(record) ? home.history(holder) : [record])
      for (const target of targetsOf(frame))
        if (home.get(target) === undefined) away.set(declaredName(holder, target), [holder, target]);
        else open.add(tjpOf(home.get(target)!) ?? target);
  }
  return [...away.values()];
}

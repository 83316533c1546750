/** Which of the files that are no longer as they were lies at which other path by now. */
import { type Content, isSame, textOf } from "./content.js";

/** A content at a path. */
export interface Placed {
  readonly path: string;
  readonly content: Content;
  /** Undefined where nothing says so. */
  readonly isExecutable: boolean | undefined;
  /** See `stampOf`. */
  readonly stamp?: string | undefined;
}

/** A file as it was, and what there is of it now: at its path, or where it has moved. */
export interface Changed<Was extends Placed> {
  readonly was: Was;
  readonly now: Placed;
}

/** What a directory shows, against what it was: `gone` has nothing at its path, `changed` another text. */
export interface Differences<Was extends Placed> {
  readonly gone: readonly Was[];
  readonly changed: readonly Changed<Was>[];
  readonly fresh: readonly Placed[];
}

/** The same, with the files that moved told apart. */
export interface Moves<Was extends Placed> extends Differences<Was> {
  readonly moved: readonly Changed<Was>[];
}

/**
 * Finds renames by content, with no clock and no memory. A file is what it says, so:
 *
 * 1. The text of a file that is gone, found whole at a path where there was none, is that file. Of several with one text,
 *    each goes first to the path that has its own name. An empty text is everybody's: there the name alone counts.
 * 2. A path that has another text may have changed hands: its new text is that of a file that is gone (a rename over it);
 *    or that of one that changed as well, and its old one lies elsewhere (a swap, a chain); or one of these two, and the
 *    old and the new text have little in common. Otherwise the file at that path was edited: a backup copy takes nothing
 *    away from the file it was made of.
 * 3. What is left is held against each other by how much of it is the same; half will do. Only for this are texts read.
 */
export async function findMoves<Was extends Placed>(differences: Differences<Was>): Promise<Moves<Was>> {
  const { gone, changed, fresh } = differences;
  const likenesses = new Likenesses();
  const displaced = await displacedIn(differences, likenesses);
  const places = new Map<Was, Placed>([...displaced].map(({ was, now }) => [was, now]));
  const sources = new Set([...gone, ...places.keys()]);
  const targets = new Set<Placed>([...fresh, ...places.values()]);
  const moved: Changed<Was>[] = [];
  const take = (was: Was | undefined, now: Placed) => {
    if (was === undefined || was.path === now.path || !sources.has(was) || !targets.has(now)) return;
    sources.delete(was);
    targets.delete(now);
    moved.push({ was, now });
  };
  const isFree = (target: Placed) => (was: Was) => was.path !== target.path && sources.has(was);
  const namedContent = ({ path, content }: Placed) => `${nameOf(path)}/${content.digest}`;
  const byNameAndContent = groupBy([...sources], namedContent);
  for (const target of targets)
    take(byNameAndContent.get(namedContent(target))?.find(isFree(target)), target);
  const byContent = groupBy([...sources], digestIn);
  for (const target of targets)
    if (target.content.bytes > 0) take(byContent.get(digestIn(target))?.find(isFree(target)), target);
  for (const [was, target] of await alike([...sources], [...targets], likenesses)) take(was, target);
  // Where neither the file went nor another one came, it was edited after all.
  const edited = [...displaced].filter(({ was, now }) => sources.has(was) && targets.has(now));
  for (const { was, now } of edited) {
    sources.delete(was);
    targets.delete(now);
  }
  const stayed = changed.filter((each) => !displaced.has(each));
  return { moved, gone: [...sources], changed: [...stayed, ...edited], fresh: [...targets] };
}

const digestIn = ({ content }: Placed): string => content.digest;

async function displacedIn<Was extends Placed>(
  { gone, changed, fresh }: Differences<Was>,
  likenesses: Likenesses,
): Promise<ReadonlySet<Changed<Was>>> {
  const placesNow = groupBy<Placed>([...fresh, ...changed.map(({ now }) => now)], digestIn);
  const placesBefore = groupBy<Placed>(
    changed.map(({ was }) => was),
    digestIn,
  );
  const digestsGone = new Set(gone.map(digestIn));
  const isElsewhere = (among: typeof placesNow, { path, content }: Placed) =>
    content.bytes > 0 && among.get(content.digest)?.some((other) => other.path !== path) === true;
  const displaced = new Set<Changed<Was>>();
  for (const each of changed) {
    const { was, now } = each;
    const went = isElsewhere(placesNow, was);
    const came = isElsewhere(placesBefore, now);
    const isOver = now.content.bytes > 0 && digestsGone.has(now.content.digest);
    const isTelling = (went ? was : now).content.bytes >= tellingBytes;
    const isUnlike = async () => (await likenesses.of(was, now)) < likenessMin;
    if (isOver || (went && came) || ((went || came) && isTelling && (await isUnlike()))) displaced.add(each);
  }
  return displaced;
}

/** Pairs that have enough in common, the most alike first. Each is held against each as long as there are steps left. */
async function alike<Was extends Placed>(
  sources: readonly Was[],
  targets: readonly Placed[],
  likenesses: Likenesses,
): Promise<readonly (readonly [Was, Placed])[]> {
  const found: { readonly pair: readonly [Was, Placed]; readonly score: number }[] = [];
  for (const [was, target] of pairsOf(sources, targets)) {
    if (likenesses.stepsLeft <= 0) break;
    const score = await likenesses.of(was, target);
    if (score >= likenessMin) found.push({ pair: [was, target], score });
  }
  return found.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}

/** Each with each, those that have one name first. */
function* pairsOf<Was extends Placed>(
  sources: readonly Was[],
  targets: readonly Placed[],
): Generator<readonly [Was, Placed]> {
  const byName = groupBy(targets, ({ path }) => nameOf(path));
  for (const was of sources) for (const target of byName.get(nameOf(was.path)) ?? []) yield [was, target];
  for (const was of sources)
    for (const target of targets) if (nameOf(was.path) !== nameOf(target.path)) yield [was, target];
}

/** How much contents share; what was read of one is kept while this is. */
class Likenesses {
  stepsLeft = stepsMax;
  readonly #bags = new Map<Content, Bags>();

  async of({ content: one }: Placed, { content: other }: Placed): Promise<number> {
    this.stepsLeft -= 1;
    if (isSame(one, other)) return one.bytes > 0 ? 1 : 0; // an empty text is everybody's
    const [ours, theirs] = [await this.#bagsOf(one), await this.#bagsOf(other)];
    this.stepsLeft -= ours.lines.parts.size + ours.words.parts.size;
    return likeness(ours, theirs);
  }

  /** What is no text, or is not there any more, has nothing in common with anything. */
  async #bagsOf(content: Content): Promise<Bags> {
    const known = this.#bags.get(content) ?? bagsOf((await textOf(content)) ?? "");
    this.#bags.set(content, known);
    return known;
  }
}

/** From which on two texts are one that was edited. */
export const likenessMin = 0.5;
/** A shorter text may well be at two paths by chance. */
const tellingBytes = 16;
/** Parts that are looked up in all. */
const stepsMax = 4_000_000;

/** Parts of a text with how often they come, and the characters of all. */
interface Bag {
  readonly parts: ReadonlyMap<string, number>;
  readonly size: number;
}

interface Bags {
  readonly lines: Bag;
  readonly words: Bag;
}

function bagsOf(text: string): Bags {
  return { lines: bagOf(text.split(/\r?\n/)), words: bagOf(text.match(/[\p{L}\p{N}_]+/gu) ?? []) };
}

function bagOf(parts: readonly string[]): Bag {
  const counts = new Map<string, number>();
  for (const part of parts) if (part !== "") counts.set(part, (counts.get(part) ?? 0) + 1);
  return { parts: counts, size: parts.reduce((sum, { length }) => sum + length, 0) };
}

/** How much two contents share, from 0 to 1; texts alone can be alike. */
export async function likenessOf(one: Content, other: Content): Promise<number> {
  if (isSame(one, other)) return 1;
  const [ours, theirs] = [await textOf(one), await textOf(other)];
  return ours === undefined || theirs === undefined ? 0 : likeness(bagsOf(ours), bagsOf(theirs));
}

/** The same, by their lines, or by their words: these count less, as any two texts share some. */
function likeness(a: Bags, b: Bags): number {
  return Math.max(shared(a.lines, b.lines), 0.8 * shared(a.words, b.words));
}

function shared(a: Bag, b: Bag): number {
  let both = 0;
  for (const [part, times] of a.parts) both += part.length * Math.min(times, b.parts.get(part) ?? 0);
  return a.size + b.size === 0 ? 0 : (2 * both) / (a.size + b.size);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

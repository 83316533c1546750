/** Which of the files that are no longer as they were lies at which other path by now. */

interface Text {
  readonly path: string;
  readonly text: string;
}

export interface Moved<Was extends Text> {
  readonly was: Was;
  readonly path: string;
  readonly text: string;
}

/** What a directory shows, against what it was: `gone` has nothing at its path, `changed` another text. */
export interface Differences<Was extends Text> {
  readonly gone: readonly Was[];
  readonly changed: readonly Changed<Was>[];
  readonly fresh: readonly Text[];
}

/** The same, with the files that moved told apart. */
export interface Moves<Was extends Text> extends Differences<Was> {
  readonly moved: readonly Moved<Was>[];
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
 * 3. What is left is held against each other by how much of it is the same; half will do.
 */
export function findMoves<Was extends Text>(differences: Differences<Was>): Moves<Was> {
  const { gone, changed, fresh } = differences;
  const displaced = displacedIn(differences);
  const places = new Map<Was, Text>([...displaced].map(({ was, text }) => [was, { path: was.path, text }]));
  const sources = new Set([...gone, ...places.keys()]);
  const targets = new Set<Text>([...fresh, ...places.values()]);
  const moved: Moved<Was>[] = [];
  const take = (was: Was | undefined, target: Text) => {
    if (was === undefined || was.path === target.path || !sources.has(was) || !targets.has(target)) return;
    sources.delete(was);
    targets.delete(target);
    moved.push({ was, path: target.path, text: target.text });
  };
  const isFree = (target: Text) => (was: Was) => was.path !== target.path && sources.has(was);
  const byNameAndText = groupBy([...sources], ({ path, text }) => `${nameOf(path)}/${text}`);
  for (const target of targets)
    take(byNameAndText.get(`${nameOf(target.path)}/${target.text}`)?.find(isFree(target)), target);
  const byText = groupBy([...sources], ({ text }) => text);
  for (const target of targets)
    if (target.text !== "") take(byText.get(target.text)?.find(isFree(target)), target);
  for (const [was, target] of alike([...sources], [...targets])) take(was, target);
  // Where neither the file went nor another one came, it was edited after all.
  const edited = [...displaced].filter(({ was }) => sources.has(was) && targets.has(places.get(was)!));
  for (const { was } of edited) {
    sources.delete(was);
    targets.delete(places.get(was)!);
  }
  const stayed = changed.filter((each) => !displaced.has(each));
  return { moved, gone: [...sources], changed: [...stayed, ...edited], fresh: [...targets] };
}

type Changed<Was> = { readonly was: Was; readonly text: string };

function displacedIn<Was extends Text>({
  gone,
  changed,
  fresh,
}: Differences<Was>): ReadonlySet<Changed<Was>> {
  const now = [...fresh, ...changed.map(({ was: { path }, text }) => ({ path, text }))];
  const pathsNow = groupBy(now, ({ text }) => text);
  const textsGone = new Set(gone.map(({ text }) => text));
  const pathsBefore = groupBy<Text>(
    changed.map(({ was }) => was),
    ({ text }) => text,
  );
  const isElsewhere = (among: typeof pathsNow, text: string, path: string) =>
    text !== "" && among.get(text)?.some((other) => other.path !== path) === true;
  const displaced = changed.filter(({ was, text }) => {
    if (text !== "" && textsGone.has(text)) return true;
    const went = isElsewhere(pathsNow, was.text, was.path);
    const came = isElsewhere(pathsBefore, text, was.path);
    if (went && came) return true;
    const isTelling = (went ? was.text : text).length >= tellingChars;
    return (went || came) && isTelling && likeness(bagsOf(was.text), bagsOf(text)) < likenessMin;
  });
  return new Set(displaced);
}

/** Pairs that have enough in common, the most alike first. Each is held against each as long as there are steps left. */
function alike<Was extends Text>(
  sources: readonly Was[],
  targets: readonly Text[],
): readonly (readonly [Was, Text])[] {
  const bags = new Map<Text, Bags>();
  const bagsIn = (each: Text) => {
    const known = bags.get(each) ?? bagsOf(each.text);
    bags.set(each, known);
    return known;
  };
  const found: { readonly pair: readonly [Was, Text]; readonly score: number }[] = [];
  let stepsLeft = stepsMax;
  const compare = (was: Was, target: Text) => {
    const [ours, theirs] = [bagsIn(was), bagsIn(target)];
    stepsLeft -= 1 + ours.lines.parts.size + ours.words.parts.size;
    const score = likeness(ours, theirs);
    if (score >= likenessMin) found.push({ pair: [was, target], score });
  };
  const byName = groupBy(targets, ({ path }) => nameOf(path));
  for (const was of sources)
    for (const target of byName.get(nameOf(was.path)) ?? []) if (stepsLeft > 0) compare(was, target);
  for (const was of sources)
    for (const target of targets)
      if (stepsLeft > 0 && nameOf(was.path) !== nameOf(target.path)) compare(was, target);
  return found.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}

/** From which on two texts are one that was edited. */
export const likenessMin = 0.5;
/** A text with fewer characters may well be at two paths by chance. */
const tellingChars = 16;
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

/** How much two texts share, from 0 to 1. */
export function likenessOf(one: string, other: string): number {
  return one === other ? 1 : likeness(bagsOf(one), bagsOf(other));
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

/**
 * A list that grows by parts, as a new value each time: every earlier one stays as it was, and nothing is copied before
 * the whole is asked for.
 */
export interface GrowingList<Item> {
  readonly length: number;
  /** What came before `part`; undefined for the empty list. */
  readonly before: GrowingList<Item> | undefined;
  readonly part: readonly Item[];
}

export const emptyList: GrowingList<never> = { length: 0, before: undefined, part: [] };

/** Costs the same however long the list is. */
export function grown<Item>(list: GrowingList<Item>, part: readonly Item[]): GrowingList<Item> {
  return part.length === 0 ? list : { length: list.length + part.length, before: list, part };
}

/** All items in their order. */
export function itemsOf<Item>(list: GrowingList<Item>): readonly Item[] {
  const parts: (readonly Item[])[] = [];
  for (let at: GrowingList<Item> | undefined = list; at; at = at.before) parts.push(at.part);
  return parts.reverse().flat();
}

/** What `of` makes of each item, so many at a time: as many files are open, and as many texts in memory. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  of: (item: Item) => Promise<Result>,
  onDone?: (more: number) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    const batch = items.slice(at, at + atOnce);
    results.push(...(await Promise.all(batch.map(of))));
    onDone?.(batch.length);
  }
  return results;
}

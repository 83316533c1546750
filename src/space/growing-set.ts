/**
 * A set that grows, as a new value each time; every earlier one stays as it was. The newest value grows at the cost of
 * what is added; one that another has grown from already is copied first.
 */
export class GrowingSet<Item> implements Iterable<Item> {
  /** The place of each item. Values that grew from one another share it: each counts the first `size` places. */
  readonly #places: Map<Item, number>;

  private constructor(
    places: Map<Item, number>,
    readonly size: number,
  ) {
    this.#places = places;
  }

  static of<Item>(items: Iterable<Item> = []): GrowingSet<Item> {
    return new GrowingSet<Item>(new Map(), 0).with(items);
  }

  has(item: Item): boolean {
    const place = this.#places.get(item);
    return place !== undefined && place < this.size;
  }

  with(items: Iterable<Item>): GrowingSet<Item> {
    const isNewest = this.#places.size === this.size;
    const places = isNewest ? this.#places : new Map([...this].map((item, place) => [item, place]));
    for (const item of items) if (!places.has(item)) places.set(item, places.size);
    return new GrowingSet(places, places.size);
  }

  *[Symbol.iterator](): Generator<Item> {
    let left = this.size;
    for (const item of this.#places.keys()) {
      if (left-- === 0) return;
      yield item;
    }
  }
}

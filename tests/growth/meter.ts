/**
 * Counts work in place of time: every element of an array, a set or a map that is looked at, by a method or an
 * iteration. What is copied or searched counts as well, since that is where a list inside a list hides.
 */

type Method = (this: unknown, ...given: unknown[]) => unknown;
type Patch = (original: Method, look: (elements: number) => void) => Method;

/** Each call of its first argument looks at an element. */
const calling: Patch = (original, look) =>
  function (callback, ...rest) {
    const counted: Method = (...given) => {
      look(1);
      return (callback as Method)(...given);
    };
    return original.call(this, typeof callback === "function" ? counted : callback, ...rest);
  };

/** Looks at the elements up to the one it gives the index of. */
const searching: Patch = (original, look) =>
  function (...given) {
    const found = original.apply(this, given);
    look(typeof found === "number" && found >= 0 ? found + 1 : (this as unknown[]).length);
    return found;
  };

/** Looks at each element of the list it gives. */
const copying: Patch = (original, look) =>
  function (...given) {
    const copy = original.apply(this, given) as unknown[];
    look(copy.length);
    return copy;
  };

/** Each step looks at an element. */
const iterating: Patch = (original, look) =>
  function (...given) {
    const steps = original.apply(this, given) as Iterator<unknown>;
    const next = steps.next.bind(steps);
    return Object.assign(steps, {
      next: () => {
        look(1);
        return next();
      },
    });
  };

const iterators = ["entries", "keys", "values", Symbol.iterator];
const patches: readonly (readonly [object, readonly PropertyKey[], Patch])[] = [
  [
    Array.prototype,
    ["every", "filter", "find", "findIndex", "findLast", "flatMap", "forEach", "map", "reduce", "some"],
    calling,
  ],
  [Array.prototype, ["includes", "indexOf", "lastIndexOf"], searching],
  [Array.prototype, ["concat", "slice", "toSorted"], copying],
  [Array.prototype, iterators, iterating],
  [Set.prototype, iterators, iterating],
  [Map.prototype, iterators, iterating],
];

/** How many elements `work` looks at, with all that goes on in this process meanwhile. */
export async function elementsSeen(work: () => unknown): Promise<number> {
  let seen = 0;
  const look = (elements: number) => {
    seen += elements;
  };
  const undo = patches.flatMap(([owner, names, patch]) =>
    names.map((name) => {
      const own = Object.getOwnPropertyDescriptor(owner, name)!;
      Object.defineProperty(owner, name, { ...own, value: patch(own.value, look) });
      return () => Object.defineProperty(owner, name, own);
    }),
  );
  try {
    await work();
  } finally {
    for (const each of undo) each();
  }
  return seen;
}

/**
 * How often each of `size` things is looked at for each of the others: nothing where the work grows with the size, a half
 * where a list is searched for each of its elements. What the work costs however much there is, and for each thing
 * alone, takes no part in it: three sizes that are equally far apart tell the square from the rest.
 *
 * @param prepare Makes everything ready for work of that size, and gives the work.
 */
export async function looksPerPair(
  size: number,
  prepare: (size: number) => (() => unknown) | Promise<() => unknown>,
): Promise<number> {
  await (await prepare(size))(); // what a process makes once is made
  const seen: number[] = [];
  for (const times of [1, 2, 3]) seen.push(await elementsSeen(await prepare(times * size)));
  const [once = 0, twice = 0, thrice = 0] = seen;
  return (thrice - 2 * twice + once) / (2 * size ** 2);
}

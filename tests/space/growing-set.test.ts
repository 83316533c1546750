import { expect, test } from "vitest";
import { GrowingSet } from "../../src/space/growing-set.js";

test("each value of a set that grows stays as it was, whichever of them it grows from", () => {
  const first = GrowingSet.of(["a", "b"]);
  const longer = first.with(["b", "c"]);
  const other = first.with(["d"]);
  const both = longer.with(other);
  expect([first, longer, other, both].map((set) => [...set].join(""))).toEqual(["ab", "abc", "abd", "abcd"]);
  expect([first, longer, other, both].map((set) => set.size)).toEqual([2, 3, 3, 4]);
  expect([first, longer, other, both].map((set) => set.has("c"))).toEqual([false, true, false, true]);
  expect([...GrowingSet.of<string>()]).toEqual([]);
});

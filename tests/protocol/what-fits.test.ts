import { expect, test } from "vitest";
import { type IbGib, sealRecord } from "../../src/ibgib/index.js";
import { whatIsLeft } from "../../src/peer/receiver/what-fits.js";

const stone = (name: string, ...links: readonly IbGib[]) =>
  sealRecord({
    ib: "stone",
    data: { name },
    ...(links.length > 0 && { rel8ns: { to: links.map(addressOf) } }),
  });
const addressOf = ({ address }: IbGib) => address;

const staged = (bytesEach: number, ...records: readonly IbGib[]) =>
  records.map((record) => ({ record, bytes: bytesEach }));
const rootsOf = (...records: readonly IbGib[]) =>
  records.map(({ address }) => ({ address, tops: [address] }));

test("what fits is taken in the order given, and what is larger is left between (O2)", () => {
  const parts = [stone("a"), stone("b")];
  const [first, large, last] = [stone("first"), stone("large", ...parts), stone("last")];
  const all = staged(100, first, ...parts, large, last);
  const left = (room: number) => whatIsLeft(rootsOf(first, large, last), all, { bytes: 500, room });
  expect(left(499)).toEqual([last.address]);
  expect(left(399)).toEqual([large.address]);
  expect(left(199)).toEqual([large.address, last.address]);
  expect(left(99)).toHaveLength(3);
});

test("what several need counts once, for the first that is taken", () => {
  const shared = stone("shared");
  const roots = [stone("a", shared), stone("b", shared), stone("c", stone("of another saga"))];
  const all = staged(100, shared, ...roots);
  expect(whatIsLeft(rootsOf(...roots), all, { bytes: 400, room: 300 })).toEqual([roots[2]!.address]);
});

test("what a commit adds beside records is for all alike; what brings nothing is never left", () => {
  const [a, b, held] = [stone("a"), stone("b"), stone("held")];
  const refused = { bytes: 260, room: 150 };
  expect(whatIsLeft(rootsOf(a, held, b), staged(100, a, b), refused)).toEqual([b.address]);
});

test("many roots that share what does not fit do not cost a walk each over all of it (threat 11)", () => {
  const parts = Array.from({ length: 1_000 }, (_, at) => stone(`part ${at}`));
  const shared = stone("shared", ...parts);
  const roots = Array.from({ length: 1_000 }, (_, at) => stone(`root ${at}`, shared));
  let read = 0;
  const all = [...parts, shared, ...roots].map((record) => ({
    record,
    get bytes() {
      read += 1;
      return 100;
    },
  }));
  const bytes = 100 * all.length;
  expect(whatIsLeft(rootsOf(...roots), all, { bytes, room: 50_000 })).toHaveLength(roots.length);
  expect(read).toBeLessThan(100_000);
});

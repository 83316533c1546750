import { expect, test } from "vitest";
import { type Address, type IbGib, sealRecord } from "../../src/ibgib/index.js";
import type { OpenSpace } from "./contract.js";
import { addresses, commitOf, stone } from "./records.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function cellContract(open: OpenSpace): void {
  test("a cell changes only from what it is", async () => {
    const space = await open();
    const change = (from: Uint8Array | undefined, to: Uint8Array | undefined) =>
      space.commit(commitOf({ cells: [{ key: "pin", from, to }] }));
    const moved = { kind: "moved", tips: [], cells: ["pin"] };
    expect(await change(bytes("a"), bytes("b"))).toEqual(moved);
    expect(await change(undefined, bytes("a"))).toEqual({ kind: "committed" });
    expect(await change(undefined, bytes("b"))).toEqual(moved);
    expect(await change(bytes("ab"), bytes("b"))).toEqual(moved);
    expect(await space.cell("pin")).toEqual(bytes("a"));
    expect(await change(bytes("a"), undefined)).toEqual({ kind: "committed" });
    expect(await space.cell("pin")).toBeUndefined();
  });

  test("an empty value is not an absent one", async () => {
    const space = await open();
    const empty = new Uint8Array(0);
    await space.commit(commitOf({ cells: [{ key: "e", from: undefined, to: empty }] }));
    expect(Array.from((await space.cell("e")) ?? [1])).toEqual([]);
    const again = commitOf({ cells: [{ key: "e", from: undefined, to: bytes("x") }] });
    expect((await space.commit(again)).kind).toBe("moved");
    const from = commitOf({ cells: [{ key: "e", from: empty, to: bytes("x") }] });
    expect((await space.commit(from)).kind).toBe("committed");
  });

  test("cells are listed by prefix, in order of their keys", async () => {
    const space = await open();
    const keys = ["b/2", "a", "b/10", "b", "b/", "c", "b/é", "b/\u{1F600}", "ba"];
    const cells = keys.map((key) => ({ key, from: undefined, to: bytes(key) }));
    await space.commit(commitOf({ cells }));
    const listed = await space.cells("b/");
    expect(listed.map(({ key }) => key)).toEqual(["b/", "b/10", "b/2", "b/é", "b/\u{1F600}"]);
    expect(listed[1]?.value).toEqual(bytes("b/10"));
    expect((await space.cells("")).length).toBe(keys.length);
    expect(await space.cells("x")).toEqual([]);
  });

  test("a cell is handed out as a copy", async () => {
    const space = await open();
    const value = bytes("value");
    await space.commit(commitOf({ cells: [{ key: "k", from: undefined, to: value }] }));
    value.fill(0);
    (await space.cell("k"))?.fill(0);
    expect(await space.cell("k")).toEqual(bytes("value"));
  });

  test("proofs are kept apart, by group, in the order they were put", async () => {
    const space = await open();
    const [one, two] = [group(), group()];
    const frames = [proof(), proof(), proof()];
    const put = (to: Address, records: readonly IbGib[]) =>
      space.commit(commitOf({ proofs: records.map((record) => ({ group: to, record })) }));
    await put(one, frames.slice(0, 2));
    await put(one, [frames[2]!, frames[0]!]);
    await put(two, [frames[1]!]);
    expect(addresses(await space.proofs(one))).toEqual(addresses(frames));
    expect(addresses(await space.proofs(one, 1))).toEqual(addresses(frames.slice(1)));
    expect(addresses(await space.proofs(one, 1, 2))).toEqual(addresses(frames.slice(1, 2)));
    expect(await space.proofs(one, 3)).toEqual([]);
    expect(addresses(await space.proofs(two))).toEqual([frames[1]?.address]);
    expect((await space.proof(frames[0]!.address))?.bytes).toEqual(frames[0]?.bytes);
    expect(await space.get(frames[0]!.address)).toBeUndefined();
    expect(await space.proofs(group())).toEqual([]);
  });

  test("a group is dropped as a whole, and what is filed elsewhere stays there", async () => {
    const space = await open();
    const [one, two] = [group(), group()];
    const [shared, alone, next] = [proof(), proof(), proof()];
    const proofs = [
      { group: one, record: shared },
      { group: one, record: alone },
      { group: two, record: shared },
    ];
    await space.commit(commitOf({ proofs }));
    await space.commit(commitOf({ dropProofGroups: [one], proofs: [{ group: one, record: next }] }));
    expect(addresses(await space.proofs(one))).toEqual([next.address]);
    expect(addresses(await space.proofs(two))).toEqual([shared.address]);
    expect(await space.proof(alone.address)).toBeUndefined();
  });

  test("proofs and cells go with the commit they are part of, or not at all", async () => {
    const space = await open();
    const one = group();
    const commit = commitOf({
      proofs: [{ group: one, record: proof() }],
      cells: [{ key: "k", from: undefined, to: bytes("v") }],
      roots: [stone().address],
    });
    expect((await space.commit(commit)).kind).toBe("notClosed");
    expect(await space.proofs(one)).toEqual([]);
    expect(await space.cell("k")).toBeUndefined();
  });
}

let made = 0;

function proof(): IbGib {
  return sealRecord({ ib: "keystone", data: { n: made++ } });
}

function group(): Address {
  return sealRecord({ ib: "keystone", data: { group: made++ } }).address;
}

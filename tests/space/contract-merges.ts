import { expect, test } from "vitest";
import type { IbGib } from "../../src/ibgib/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import type { Space } from "../../src/space/index.js";
import type { OpenSpace } from "./contract.js";
import {
  addresses,
  alice,
  bob,
  commitOf,
  edited,
  eyesOf,
  first,
  keep,
  moveTo,
  newest,
  timeline,
} from "./records.js";

const functions = mergeFunctions([]);

/** `count` frames on top of `frame`. */
function branch(frame: IbGib, count: number): IbGib[] {
  const frames: IbGib[] = [];
  while (frames.length < count) frames.push(edited(frames.at(-1) ?? frame));
  return frames;
}

/** The merge of two tips, whose histories are all in `frames`. */
async function merged(frames: readonly IbGib[], ...tips: readonly IbGib[]): Promise<IbGib> {
  const held = new Map(frames.map((frame) => [frame.address, frame]));
  const reader = {
    getMany: async (wanted: readonly IbGib["address"][]) => wanted.map((one) => held.get(one)),
  };
  const result = await mergeTips(addresses(tips), reader, functions);
  if (!("frame" in result)) throw new Error("the tips have the same heads");
  return result.frame;
}

/** The chain from the first frame to `tip`, by `past`. */
function chainTo(tip: IbGib, frames: readonly IbGib[]): IbGib[] {
  const held = new Map(frames.map((frame) => [frame.address, frame]));
  const chain = [tip];
  for (let at = tip; at.rel8ns?.["past"]; ) {
    at = held.get(at.rel8ns["past"][0]!)!;
    chain.unshift(at);
  }
  return chain;
}

async function expectChain(space: Space, tip: IbGib, frames: readonly IbGib[]): Promise<void> {
  const chain = chainTo(tip, frames);
  const tjp = first(chain).address;
  expect(await space.tip(tjp)).toEqual({ tjp, address: tip.address, n: chain.length - 1 });
  for (const [n, frame] of chain.entries()) expect(await space.frameAt(tjp, n)).toBe(frame.address);
}

export function mergeContract(open: OpenSpace): void {
  test("a tip moves to a merge of itself and a longer branch, and the index follows the chain", async () => {
    const space = await open();
    const trunk = timeline("note", 10);
    const mine = [...trunk, ...branch(newest(trunk), 70)];
    const theirs = branch(newest(trunk), 100);
    await keep(space, mine);
    const all = [...mine, ...theirs];
    const merge = await merged(all, newest(mine), newest(theirs));
    const tips = [{ ...moveTo(mine, newest(mine)), to: merge.address }];
    expect(await space.commit(commitOf({ puts: [...theirs, merge], tips }))).toEqual({ kind: "committed" });
    await expectChain(space, merge, [...all, merge]);
    const on = branch(merge, 40);
    await space.commit(commitOf({ puts: on, tips: [{ ...moveTo(trunk, merge), to: newest(on).address }] }));
    await expectChain(space, newest(on), [...all, merge, ...on]);
  });

  test("frames are read on the chain of a tip that was read before, also where a merge leads past it", async () => {
    const space = await open();
    const trunk = timeline("note", 10);
    const mine = [...trunk, ...branch(newest(trunk), 70)];
    const theirs = branch(newest(trunk), 100);
    await keep(space, mine);
    const tjp = first(trunk).address;
    const read = async (from: number, to: number, of?: IbGib["address"]) =>
      addresses(await space.frames(tjp, from, to, of));
    const tip = newest(mine).address;
    const stretches = [
      [0, 79],
      [5, 12],
      [60, 200],
      [79, 79],
      [80, 90],
    ] as const;
    for (const [from, to] of stretches)
      expect(await read(from, to, tip)).toEqual(addresses(mine.slice(from, to + 1)));
    const merge = await merged([...mine, ...theirs], newest(mine), newest(theirs));
    const tips = [{ ...moveTo(mine, newest(mine)), to: merge.address }];
    await space.commit(commitOf({ puts: [...theirs, merge], tips }));
    for (const [from, to] of stretches) {
      expect(await read(from, to, tip)).toEqual(addresses(mine.slice(from, to + 1)));
      expect(await read(from, to, mine[30]!.address)).toEqual(
        addresses(mine.slice(from, Math.min(to, 30) + 1)),
      );
      expect(await read(from, to)).toEqual(addresses([...trunk, ...theirs, merge].slice(from, to + 1)));
    }
    expect(await read(3, 5, newest(theirs).address)).toEqual(addresses(trunk.slice(3, 6)));
    expect(await read(0, 9, first(timeline("other", 1)).address)).toEqual([]);
  });

  test("a tip moves from a merge to a merge of more heads, which need not descend from it", async () => {
    const space = await open();
    const trunk = timeline("note", 3);
    const [a, b, c] = [1, 2, 3].map((length) => branch(newest(trunk), length));
    const all = [...trunk, ...a!, ...b!, ...c!];
    await keep(space, [...trunk, ...a!]);
    const ab = await merged(all, newest(a!), newest(b!));
    await space.commit(
      commitOf({ puts: [...b!, ab], tips: [{ ...moveTo(trunk, newest(a!)), to: ab.address }] }),
    );
    const abc = await merged([...all, ab], ab, newest(c!));
    expect(abc.rel8ns?.["past"]).not.toContain(ab.address);
    const tips = [{ ...moveTo(trunk, ab), to: abc.address }];
    expect(await space.commit(commitOf({ puts: [...c!, abc], tips }))).toEqual({ kind: "committed" });
    await expectChain(space, abc, [...all, abc]);
  });

  test("a merge that leaves a head out is refused (C9)", async () => {
    const space = await open();
    const trunk = timeline("note", 3);
    const [a, b, c] = [1, 2, 3].map((length) => branch(newest(trunk), length));
    const all = [...trunk, ...a!, ...b!, ...c!];
    await keep(space, [...trunk, ...a!]);
    const bc = await merged(all, newest(b!), newest(c!));
    const tips = [{ ...moveTo(trunk, newest(a!)), to: bc.address }];
    await expect(space.commit(commitOf({ puts: [...b!, ...c!, bc], tips }))).rejects.toMatchObject({
      code: "chain_refused",
      facts: { rule: "not_descended" },
    });
    await expectChain(space, newest(a!), all);
  });

  test("a tip that is not present to the committer cannot be merged over", async () => {
    const space = await open();
    const trunk = timeline("note", 3);
    await keep(space, trunk);
    const a = branch(newest(trunk), 1);
    await space.commit({
      holder: bob,
      sight: eyesOf(alice),
      puts: a,
      tips: [moveTo([...trunk, ...a], newest(trunk))],
    });
    const b = branch(newest(trunk), 2);
    const tips = [{ ...moveTo(trunk, newest(a)), to: newest(b).address }];
    await expect(space.commit(commitOf({ puts: b, tips }))).rejects.toMatchObject({ code: "chain_refused" });
  });
}

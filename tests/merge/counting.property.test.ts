import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Address, type IbGib, isMerge, makerOf, mutate } from "../../src/ibgib/index.js";
import { type Change, foldList, headCounts, noFrameRow, noIdentityRow } from "../../src/lists/index.js";
import { countingHeads, type HeadJudge, mergeFunctions, mergeOf, mergeTips } from "../../src/merge/index.js";
import {
  adopt,
  alice,
  bob,
  carol,
  chain,
  eve,
  list,
  setAside,
  share,
  timeline,
  withdraw,
} from "../lists/cast.js";
import { Frames, Said } from "../lists/model.js";

const makers = [alice, bob, eve];
const functions = mergeFunctions();

/** One timeline, and what its list says: frames are drawn as the newest edits and merges of others. */
class Story {
  readonly first = timeline();
  readonly frames: IbGib[] = [this.first];

  edit(on: number, maker: Address): IbGib {
    const frame = mutate(this.#at(on), { text: `${this.frames.length}` }, { by: maker });
    return this.#put(frame);
  }

  async merge(one: number, other: number): Promise<IbGib> {
    const tips = [this.#at(one).address, this.#at(other).address];
    const merged = await mergeTips(tips, new Frames(this.frames), functions);
    return "same" in merged ? this.#at(one) : this.#put(merged.frame);
  }

  /** By the list, and on all frames or the `held` ones. */
  async heads(changes: readonly Change[], held = this.frames): Promise<readonly Address[]> {
    const frames = new Frames(held);
    const judge = judgeBy(this.first, changes);
    return countingHeads(
      frames.newest(held).map(({ address }) => address),
      judge,
      frames,
    );
  }

  expected(changes: readonly Change[], held = this.frames): readonly Address[] {
    const frames = new Frames(held);
    return frames.newest(frames.counting(this.first, alice, new Said(changes))).map(({ address }) => address);
  }

  #at(index: number): IbGib {
    return this.frames[index % this.frames.length]!;
  }

  #put(frame: IbGib): IbGib {
    if (!this.frames.some(({ address }) => address === frame.address)) this.frames.push(frame);
    return frame;
  }
}

function judgeBy(first: IbGib, changes: readonly Change[]): HeadJudge {
  const writers = list(first);
  const { identities, frames } = foldList(writers, chain(writers, ...changes));
  return {
    named: async () => [...frames].flatMap(([frame, { isNamed }]) => (isNamed ? [frame] : [])),
    async counts(frame, isNamed) {
      const maker = makerOf(frame, first)!;
      const makerRow = identities.get(maker) ?? noIdentityRow;
      const frameRow = frames.get(frame.address) ?? noFrameRow;
      return headCounts({ maker, owner: alice, makerRow, frameRow, isNamed });
    },
  };
}

type Act =
  | { readonly do: "edit"; readonly on: number; readonly by: Address }
  | { readonly do: "merge"; readonly on: number; readonly with: number }
  | { readonly do: "say"; readonly what: number; readonly no: number; readonly who: Address };

const at = fc.nat(30);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("edit"), on: at, by: fc.constantFrom(...makers) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("merge"), on: at, with: at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("say"),
      what: at,
      no: fc.integer({ min: 1, max: 3 }),
      who: fc.constantFrom(bob, eve),
    }),
  },
);

async function tell(acts: readonly Act[]): Promise<{ story: Story; changes: readonly Change[] }> {
  const story = new Story();
  const changes: Change[] = [];
  for (const each of acts) {
    if (each.do === "edit") story.edit(each.on, each.by);
    else if (each.do === "merge") await story.merge(each.on, each.with);
    else changes.push(changeOf(story, each));
  }
  return { story, changes };
}

function changeOf({ frames }: Story, { what, no, who }: Extract<Act, { do: "say" }>): Change {
  const frame = frames[what % frames.length]!.address;
  return [share(who, no), withdraw(who, no, [frame]), adopt(frame, no), setAside(frame, no), share(who, no)][
    what % 5
  ]!;
}

describe("the heads that count (C3, C5, C6)", () => {
  test("are what the rules say, of any frames, whatever is here of them", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 24 }), fc.nat(24), async (acts, cut) => {
        const { story, changes } = await tell(acts);
        for (const held of [story.frames, story.frames.slice(0, cut + 1)])
          expect([...(await story.heads(changes, held))].sort()).toEqual(
            [...story.expected(changes, held)].sort(),
          );
      }),
      { numRuns: 400 },
    );
  });

  test("and the tip is the same, whatever came first (C1, C7, C13)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 16 }), async (acts) => {
        const { story, changes } = await tell(acts);
        const heads = await story.heads(changes);
        const tipOf = async (order: readonly Change[]) => {
          const found = await story.heads(order);
          const tip = await mergeOf(found, [], new Frames(story.frames), functions);
          return "same" in tip ? tip.same : tip.frame.address;
        };
        if (heads.length > 0) expect(await tipOf(changes.toReversed())).toBe(await tipOf(changes));
      }),
    );
  });
});

describe("a head that does not count", () => {
  test("is asked for the frame below it, and that one for the one below (C6)", async () => {
    const story = new Story();
    const one = story.edit(0, eve);
    const two = story.edit(1, eve);
    const let1 = share(eve);
    expect(await story.heads([let1])).toEqual([two.address]);
    expect(await story.heads([let1, setAside(two.address)])).toEqual([one.address]);
    expect(await story.heads([let1, setAside(two.address), setAside(one.address)])).toEqual([
      story.first.address,
    ]);
  });

  test("is no head either below a frame that its maker still may write on (AL26)", async () => {
    const story = new Story();
    const eves = story.edit(0, eve);
    const bobs = story.edit(1, bob);
    const said = [share(eve), share(bob), setAside(eves.address)];
    expect(await story.heads(said)).toEqual([bobs.address]);
  });

  test("of the withdrawn stays where the withdrawal names it, and where it names one above it (AL16, AL20)", async () => {
    const story = new Story();
    const [one, two] = [story.edit(0, eve), story.edit(1, eve)];
    const late = story.edit(0, eve);
    const gone = [share(eve), withdraw(eve, 1, [two.address])];
    expect(await story.heads(gone)).toEqual([two.address]);
    const both = [...gone, setAside(two.address)];
    expect(await story.heads(both)).toEqual([one.address]);
    expect(await story.heads([...both, adopt(late.address)])).toContain(late.address);
  });

  test("that a merge brings in leaves the merge valid below, and the merge's other heads stay (M6)", async () => {
    const story = new Story();
    const carols = story.edit(0, carol);
    story.edit(0, eve);
    const merge = await story.merge(1, 2);
    expect(isMerge(merge)).toBe(true);
    const gone = [share(eve), share(carol), withdraw(eve)];
    expect(await story.heads(gone)).toEqual([carols.address]);
    const bobs = story.edit(3, bob);
    expect(await story.heads([...gone, share(bob)])).toEqual([bobs.address]);
  });

  test("of a timeline may be all of them: then it has no tip (C8)", async () => {
    const folder = timeline();
    const file = timeline({ within: folder.address, by: eve });
    const judge = judgeBy(file, [share(eve), withdraw(eve)]);
    expect(await countingHeads([file.address], judge, new Frames([file]))).toEqual([]);
  });

  test("is not named by a merge (AL17)", async () => {
    const story = new Story();
    story.edit(0, eve);
    story.edit(0, eve);
    const merge = await story.merge(1, 2);
    expect(await story.heads([withdraw(eve, 1, [merge.address])])).toEqual([story.first.address]);
  });
});

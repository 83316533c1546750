import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Address, type IbGib, parseAddress, relate, isMerge } from "../../src/ibgib/index.js";
import { lowestCommonAncestors } from "../../src/merge/bases.js";
import { History } from "../../src/merge/history.js";
import { checkMerge, compareTips, headsOf } from "../../src/merge/index.js";
import { Archive, functions, saidOf } from "./archive.js";
import { runs } from "./runs.js";

type Act =
  | { readonly kind: "title" | "line" | "item" | "link" | "remove"; readonly by: number; readonly at: number }
  | { readonly kind: "sync"; readonly by: number; readonly at: number };

const peer = fc.nat(4);
const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom("title", "line", "line", "item", "link", "remove", "sync", "sync", "sync"),
  by: peer,
  at: fc.nat(20),
});
const story = fc.record({ peers: fc.integer({ min: 2, max: 5 }), acts: fc.array(act, { maxLength: 25 }) });

/** 2 to 5 peers, each with a tip of one timeline, who edit and meet. All frames lie in one archive. */
class Meeting {
  readonly archive = new Archive();
  readonly root = this.archive.first({ text: "one\ntwo\nthree\n", list: [1, 2, 3], title: "t" });
  readonly tips: IbGib[];
  readonly edits: IbGib[] = [];
  #count = 0;

  constructor(peers: number) {
    this.tips = Array.from({ length: peers }, () => this.root);
  }

  async act({ kind, by, at }: Act): Promise<void> {
    const who = by % this.tips.length;
    if (kind === "sync") return this.sync(who, at % this.tips.length);
    const edit = this.archive.put(this.#edited(this.tips[who]!, kind, at));
    this.tips[who] = edit;
    this.edits.push(edit);
  }

  /** Two peers come into step: neither ends with less than it had. */
  async sync(one: number, other: number): Promise<void> {
    const [a, b] = [this.tips[one]!, this.tips[other]!];
    const relation = await compareTips(a.address, b.address, this.archive);
    const merged = await this.archive.merge(a, b);
    if (relation === "ahead") expect(merged.address).toBe(a.address);
    if (relation === "behind") expect(merged.address).toBe(b.address);
    if (relation === "diverged") {
      expect(isMerge(merged)).toBe(true);
      await checkMerge(merged, this.archive, functions);
    }
    for (const tip of [a, b])
      expect(await compareTips(tip.address, merged.address, this.archive)).toMatch(/same|behind/);
    this.tips[one] = merged;
    this.tips[other] = merged;
  }

  /** Each meets the next, around and around, until nothing moves; how often they went around. */
  async settle(): Promise<number> {
    for (let round = 1; round < 10; round++) {
      const before = [...this.tips];
      for (let at = 0; at < this.tips.length; at++) await this.sync(at, (at + 1) % this.tips.length);
      if (before.every((tip, at) => tip.address === this.tips[at]?.address)) return round;
    }
    throw new Error("no quiescence");
  }

  #edited(tip: IbGib, kind: Exclude<Act["kind"], "sync">, at: number): IbGib {
    const unique = `${kind}${this.#count++}`;
    if (kind === "link") return relate(tip, { add: { tag: [parseAddress(`${unique}^gib`)] } });
    const { text, list } = saidOf(tip);
    const lines = String(text).split("\n");
    const items = Array.isArray(list) ? list : [];
    if (kind === "title") return this.archive.edit(tip, { title: unique });
    if (kind === "line") lines.splice(at % lines.length, 0, unique);
    if (kind === "remove") lines.splice(at % lines.length, 1);
    if (kind === "item")
      return this.archive.edit(tip, { list: items.toSpliced(at % (items.length + 1), 0, unique) });
    return this.archive.edit(tip, { text: lines.join("\n") });
  }
}

/** All that `past` and `graftorphan` lead to, the slow way. */
function ancestorsOf(frame: IbGib, archive: Archive): Set<Address> {
  const found = new Set<Address>();
  const open = [frame];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const address of [...(next.rel8ns?.["past"] ?? []), ...(next.rel8ns?.["graftorphan"] ?? [])]) {
      if (!found.has(address)) open.push(archive.get(address));
      found.add(address);
    }
  }
  return found;
}

describe("peers who edit one timeline and meet at random", () => {
  it("come to one tip, which reaches every edit, and then make no more frames (M1)", async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ peers, acts }) => {
        const meeting = new Meeting(peers);
        for (const next of acts) await meeting.act(next);
        const rounds = await meeting.settle();
        expect(rounds).toBeLessThanOrEqual(4);
        const [tip] = meeting.tips;
        expect(new Set(meeting.tips.map(({ address }) => address)).size).toBe(1);
        const reached = ancestorsOf(tip!, meeting.archive).add(tip!.address);
        for (const edit of meeting.edits) expect(reached).toContain(edit.address);
      }),
      runs(60),
    );
  });

  it("merge to the same bytes in whichever order and grouping (M10, M12)", async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.infiniteStream(fc.nat()), async ({ peers, acts }, choices) => {
        const meeting = new Meeting(peers);
        for (const next of acts) await meeting.act(next);
        const all = await meeting.archive.merge(...meeting.tips);
        expect((await meeting.archive.merge(...meeting.tips.toReversed())).address).toBe(all.address);
        const left = [...meeting.tips];
        while (left.length > 1) {
          const [one] = left.splice(choices.next().value! % left.length, 1);
          const at = choices.next().value! % left.length;
          left[at] = await meeting.archive.merge(one!, left[at]!);
        }
        expect(left[0]?.address).toBe(all.address);
      }),
      runs(60),
    );
  });

  it("have the heads and common ancestors that a full walk finds", async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ peers, acts }) => {
        const meeting = new Meeting(peers);
        for (const next of acts) await meeting.act(next);
        const { archive, tips } = meeting;
        const [a, b] = [tips[0]!, tips[1]!];
        const heads = await headsOf(a.address, archive);
        expect(new Set(heads)).toEqual(headsByWalk(a, archive));
        const history = new History(archive);
        const frames = await history.frames([a.address, b.address]);
        const lowest = await lowestCommonAncestors([frames[0]!], frames[1]!, history);
        expect(new Set(lowest.map(({ address }) => address))).toEqual(lowestByWalk(a, b, archive));
      }),
      runs(60),
    );
  });

  it("lose no line and no link that one of them put in and nobody took away (T2)", async () => {
    const additions = fc.record({
      peers: fc.integer({ min: 2, max: 5 }),
      acts: fc.array(
        act.map((made) =>
          made.kind === "remove" || made.kind === "title" ? { ...made, kind: "line" as const } : made,
        ),
        { maxLength: 20 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(additions, async ({ peers, acts }) => {
        const meeting = new Meeting(peers);
        for (const next of acts) await meeting.act(next);
        await meeting.settle();
        const tip = meeting.tips[0]!;
        const shown = JSON.stringify([saidOf(tip)["text"], saidOf(tip)["list"], tip.rel8ns?.["tag"] ?? []]);
        for (let count = 0; count < meeting.edits.length; count++)
          expect(shown).toMatch(new RegExp(`(?:line|item|link)${count}\\b`));
      }),
      runs(60),
    );
  });
});

function headsByWalk(tip: IbGib, archive: Archive): Set<Address> {
  const edits = [tip, ...[...ancestorsOf(tip, archive)].map((address) => archive.get(address))].filter(
    (frame) => !isMerge(frame),
  );
  const inner = new Set(edits.flatMap((frame) => [...ancestorsOf(frame, archive)]));
  return new Set(edits.map(({ address }) => address).filter((address) => !inner.has(address)));
}

function lowestByWalk(a: IbGib, b: IbGib, archive: Archive): Set<Address> {
  const [ofA, ofB] = [a, b].map((tip) => ancestorsOf(tip, archive).add(tip.address));
  const common = [...ofA!].filter((address) => ofB!.has(address));
  const inner = new Set(common.flatMap((address) => [...ancestorsOf(archive.get(address), archive)]));
  return new Set(common.filter((address) => !inner.has(address)));
}

/** Merges by functions that nobody has, for which nobody answers who may write: their heads are asked in their place. */
import { expect, vi } from "vitest";
import type { Json } from "../../src/base/index.js";
import { type Address, type IbGib, mutate, nOf, sealRecord } from "../../src/ibgib/index.js";
import { headsOf, mergeFunctions, mergeTips, standInFor } from "../../src/merge/index.js";
import type { Peer } from "../../src/testing/index.js";
import { expectSettled, sharedNote } from "./divergence.js";
import { spoken } from "./overheard.js";
import { type Cast, scenario } from "./scenario.js";
import { answersTo, saga } from "./speaker.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

/** A note with a head of alice's at bob, one of carol's at dave, and both at eve, who may write. */
async function twoHeads({ alice, carol, erin: eve, bob, dave }: Cast) {
  const note = await sharedNote({ text: "first" }, [alice, carol, eve], [bob, dave]);
  const heads = [await alice.edit(note, { alice: 1 }), await carol.edit(note, { carol: 1 })];
  await alice.sync(note, { at: bob.name });
  await carol.sync(note, { at: dave.name });
  for (const { name } of [bob, dave]) await eve.sync(note, { at: name, direction: "pull" });
  return { note, heads };
}

/** Their merge as it is to be, and as eve would have it. */
async function mergesOf(heads: readonly IbGib[], { space }: Peer): Promise<{ good: IbGib; bad: IbGib }> {
  const tips = heads.map(({ address }) => address);
  const merged = await mergeTips(tips, space, mergeFunctions());
  if (!("frame" in merged)) throw new Error("nothing to merge");
  const { ib, data, rel8ns } = merged.frame;
  const said = { ...(data as object), text: "by eve", merge: { function: "eve", version: 1 } };
  return { good: merged.frame, bad: sealRecord({ ib, data: said, ...(rel8ns && { rel8ns }) }) };
}

/** A merge of any frames, by any name, with links as a merge has them. */
async function mergedBy(name: string, [newest, ...rest]: readonly IbGib[], { space }: Peer): Promise<IbGib> {
  const { ib, data, rel8ns } = newest!;
  const { by: _by, merge: _merge, ...said } = data as Record<string, Json>;
  const first = (await space.getMany(rel8ns!["tjp"]!))[0]!;
  return sealRecord({
    ib,
    data: { ...said, n: nOf(newest!)! + 1, merge: { function: name, version: 1 } },
    rel8ns: {
      past: [newest!.address],
      tjp: [first.address],
      graftorphan: rest.map(({ address }) => address),
      graftbase: [first.address],
    },
  });
}

async function expectTip(peers: readonly Peer[], note: Address, tip: IbGib, bad: IbGib): Promise<void> {
  for (const peer of peers) {
    expect((await peer.tip(note)).address).toBe(tip.address);
    expect(await peer.space.get(bad.address)).toBeUndefined();
  }
}

scenario(
  "eve brings a merge that she does not sign: a receiver takes its heads, merged, and does not keep it (A31) (threat 22)",
  async (cast) => {
    const { alice, carol, erin: eve, bob, dave } = cast;
    const { note, heads } = await twoHeads(cast);
    const { good, bad } = await mergesOf(heads, eve);
    const entry = { address: note, tip: bad.address, n: nOf(bad)! };
    const carols = heads[1]!;
    const push = () =>
      answersTo(
        async ({ say, send }) => {
          await say({ type: "init", saga, direction: "push", entries: [entry] });
          await send([carols, bad]);
          await say({ type: "commit", entries: [entry] });
        },
        eve,
        bob,
        () => spoken.newest!,
      );
    // Carol has not proved her head at bob yet.
    expect((await push()).at(-1)).toContain(`"tip":"${heads[0]!.address}"`);
    await carol.sync(note, { at: bob.name });
    await expectTip([bob, carol], note, good, bad);
    for (let times = 0; times < 2; times++) {
      expect((await push()).at(-1)).toContain(`"tip":"${good.address}"`);
      await expectTip([bob], note, good, bad);
    }
    for (const peer of [alice, carol, eve]) await peer.sync(note, { at: bob.name });
    await alice.sync(note, { at: dave.name });
    await expectSettled([alice, carol, eve], [bob, dave], [note]);
  },
);

scenario(
  "eve, a receiver, serves a merge that nobody has signed: whoever pulls takes its heads, in any order (A31) (threat 22)",
  async (cast) => {
    const { alice, carol, erin, bob, dave: eve } = cast;
    const { note, heads } = await twoHeads(cast);
    await alice.sync(note, { at: eve.name });
    const { good, bad } = await mergesOf(heads, alice);
    const serve = async () => {
      const { address: holder, space } = eve;
      const move = { tjp: note, from: (await space.tip(note))?.address, to: bad.address };
      const kept = await space.commit({ holder, sight: "anyone", puts: [bad], tips: [move] });
      expect(kept).toEqual({ kind: "committed" });
    };
    // One has both heads, one has one of them, and one had the merge of both.
    for (const peer of [carol, erin, alice]) {
      await serve();
      expect(await peer.sync(note, { at: eve.name })).toMatchObject({ left: [] });
      await expectTip([peer], note, good, bad);
      expect((await eve.tip(note)).address).toBe(good.address);
      expect(await headsOf(good.address, peer.space)).toHaveLength(2);
    }
    await alice.sync(note, { at: bob.name });
    await expectSettled([alice, carol, erin], [bob], [note]);
  },
);

scenario("eve brings a stand-in where there is a merge of the same heads: it stays (M21)", async (cast) => {
  const { carol, erin: eve, bob } = cast;
  const { note, heads } = await twoHeads(cast);
  await carol.sync(note, { at: bob.name });
  const { good } = await mergesOf(heads, eve);
  const [high, low] = heads.map(({ address }) => address).toSorted((a, b) => (a < b ? 1 : -1));
  const standIn = await standInFor([high!, low!], eve.space);
  if (!("frame" in standIn)) throw new Error("nothing stands in");
  const { frame } = standIn;
  const entry = { address: note, tip: frame.address, n: nOf(frame)! };
  const answers = await answersTo(
    async ({ say, send }) => {
      await say({ type: "init", saga, direction: "push", entries: [entry] });
      await send([frame]);
      await say({ type: "commit", entries: [entry] });
    },
    eve,
    bob,
    () => spoken.newest!,
  );
  expect(answers.at(-1)).toContain(`"tip":"${good.address}"`);
  await expectTip([bob], note, good, frame);
});

scenario(
  "eve, who may only read, puts a head of hers below merges of merges: it is asked for, and her tip is not taken (A31, C6) (threat 22)",
  async ({ alice, carol, erin: eve, bob, dave }) => {
    const note = await sharedNote({ text: "first" }, [alice, carol], [bob, dave]);
    await alice.share(note, eve, "read");
    for (const { name } of [bob, dave]) await alice.sync(note, { at: name });
    const heads = [await alice.edit(note, { alice: 1 }), await carol.edit(note, { carol: 1 })];
    await alice.sync(note, { at: bob.name });
    await carol.sync(note, { at: bob.name });
    await eve.sync(note, { at: bob.name, direction: "pull" });
    const eves = mutate(heads[0]!, { text: "by eve" }, { by: eve.address });
    const inner = await mergedBy("fields", [eves, heads[1]!], eve);
    const outer = await mergedBy("eve", [inner, heads[1]!], eve);
    const before = await bob.tip(note);
    const entry = { address: note, tip: outer.address, n: nOf(outer)! };
    const answers = await answersTo(
      async ({ say, send }) => {
        await say({ type: "init", saga, direction: "push", entries: [entry] });
        await send([eves, inner, outer]);
        await say({ type: "commit", entries: [entry, { tjp: note, frame: eves.address }] });
      },
      eve,
      bob,
      () => spoken.newest!,
    );
    expect(answers.at(-1)).toContain(`"tip":"${before.address}"`);
    await expectTip([bob], note, before, outer);
    expect(await bob.space.get(eves.address)).toBeUndefined();
  },
);

import { expect, type MockInstance, vi } from "vitest";
import { type Address, mutate, nOf } from "../../src/ibgib/index.js";
import { fieldsFunction } from "../../src/merge/fields.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import { CommitQueue } from "../../src/peer/receiver/commit-queue.js";
import { spoken } from "./overheard.js";
import { type Cast, scenario } from "./scenario.js";
import { type Attempt, answersTo, saga } from "./speaker.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

async function aliceIsRead({ alice, carol, bob, dave }: Cast): Promise<Address> {
  const note = await alice.timeline("note", { data: { text: "first" } });
  await alice.share(note, carol, "read");
  for (const { name } of [bob, dave]) await alice.sync(note, { at: name });
  await carol.sync(note, { direction: "pull" });
  return note;
}

/** How often `spied` is called while something happens. */
async function callsOf(spied: MockInstance, happens: () => Promise<unknown>): Promise<unknown[][]> {
  spied.mockClear();
  await happens();
  return [...spied.mock.calls];
}

scenario(
  "carol, who may only read, brings what alice has made, and never has a place among those who write (threat 22)",
  async (cast) => {
    const { alice, carol, bob, dave } = cast;
    const note = await aliceIsRead(cast);
    const edit = await alice.edit(note, { text: "second" });
    await alice.sync(note, { at: dave.name });
    await carol.sync(note, { at: dave.name });
    const entered = vi.spyOn(CommitQueue.prototype, "enter");
    const places = async (happens: () => Promise<unknown>) =>
      (await callsOf(entered, happens)).map(([, timelines]) => timelines);
    expect(await places(() => carol.sync(note, { at: bob.name }))).toEqual([[]]);
    expect((await bob.tip(note)).address).toBe(edit.address);
    await carol.edit(note, { text: "by carol" });
    expect(await places(() => carol.sync(note, { at: bob.name }))).toEqual([[]]);
    await alice.edit(note, { text: "third" });
    expect(await places(() => alice.sync(note, { at: bob.name }))).toEqual([[note]]);
    entered.mockRestore();
  },
);

scenario(
  "a merge by carol, who may only read, is refused before it is computed (M14) (threat 25)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const note = await aliceIsRead(cast);
    const first = await alice.tip(note);
    const heads = ["one", "two", "three"].map((text) => mutate(first, { text }, { by: carol.address }));
    const records = [first, ...heads];
    const reader = {
      getMany: async (wanted: readonly Address[]) =>
        wanted.map((address) => records.find((record) => record.address === address)),
    };
    const tips = heads.map(({ address }) => address);
    const merged = await mergeTips(tips, reader, mergeFunctions());
    if (!("frame" in merged)) throw new Error("nothing to merge");
    const { frame: merge } = merged;
    const tip = merge.address;
    const entry = { address: note, tip, n: nOf(merge)! };
    const push: Attempt = async ({ say, send }) => {
      await say({ type: "init", saga, direction: "push", entries: [entry] });
      await send([...heads, merge]);
      const made = heads.map(({ address: frame }) => ({ tjp: note, frame }));
      await say({ type: "commit", entries: [entry, ...made] });
    };
    const folds = vi.spyOn(fieldsFunction, "merge");
    const answers: string[] = [];
    const pushed = async () =>
      void answers.push(...(await answersTo(push, carol, bob, () => spoken.newest!)));
    expect(await callsOf(folds, pushed)).toEqual([]);
    expect(answers.at(-1)).toBe(
      `receipt {"entries":[${JSON.stringify({ address: note, tip: first.address, n: nOf(first) })}]}`,
    );
    await alice.share(note, carol, "write");
    await alice.sync(note);
    expect((await callsOf(folds, pushed)).length).toBeGreaterThan(0);
    expect((await bob.tip(note)).address).toBe(tip);
    folds.mockRestore();
  },
);

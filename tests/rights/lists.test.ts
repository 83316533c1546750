import { describe, expect, test } from "vitest";
import { type Address, type IbGib, mutate, sealRecord } from "../../src/ibgib/index.js";
import { type Change, changeList, firstOfList, type ListKind, listLimits } from "../../src/lists/index.js";
import { mergeFunctions, mergeTips } from "../../src/merge/index.js";
import { type KeepingLists, keepLists } from "../../src/peer/branches/keep-lists.js";
import { type Identity, saveRecords, share, unshare, whoMay } from "../../src/peer/index.js";
import { type CheckedEvidence, noEvidence } from "../../src/peer/rights/attestations.js";
import { judge } from "../../src/peer/rights/rights.js";
import { codeOf } from "../protocol/lab.js";
import { bring, first, now, own, person } from "./parties.js";

const merging = { functions: mergeFunctions(), options: {} };

/** Alice's note, which a receiver has, and who else there is. */
async function cast() {
  const [alice, bob, eve, receiver] = await Promise.all([person(), person(), person(), person()]);
  const note = await own(alice);
  await bring(receiver, alice, [note]);
  return { alice, bob, eve, receiver, note };
}

type Cast = Awaited<ReturnType<typeof cast>>;

interface Brought {
  /** Who has signed the frames, as what came proves; nobody, where nothing came. */
  readonly by?: Identity;
  readonly from?: Identity;
}

/** Brings frames of a list to the receiver. @returns Whether anything is new there, or how it ends. */
async function broughtTo(
  { alice, eve, receiver }: Cast,
  frames: readonly IbGib[],
  { by = alice, from = eve }: Brought = {},
): Promise<boolean | string> {
  const keeping: KeepingLists = {
    space: receiver.space,
    self: receiver.address,
    from: from.address,
    holder: from.address,
    isOpen: false,
    merging,
  };
  const kept = keepLists(keeping, shownBy(by, frames));
  const code = await codeOf(kept);
  return code === "none" ? kept : code;
}

/** Frames of lists as they come, all of them signed by one identity. */
function shownBy({ address }: Identity, listFrames: readonly IbGib[]): CheckedEvidence {
  const attesters = new Map(listFrames.map((frame) => [frame.address, address]));
  return { ...noEvidence, attesters, listFrames };
}

const sharing = ({ address }: Identity, no = 1): Change => ({ do: "share", identity: address, no });

/** A list of a note of alice's, and a frame of it for each of `changes`. */
function listOf(
  { alice, note }: Pick<Cast, "alice" | "note">,
  changes: readonly Change[],
  kind: ListKind = "writers",
): readonly IbGib[] {
  const frames = [firstOfList(kind, note.address, alice.address)];
  for (const change of changes) frames.push(changeList(frames.at(-1)!, [change]));
  return frames;
}

const statesAt = async ({ receiver, note }: Cast) =>
  (await whoMay(receiver, note.address)).map((entry) => `${entry.access} ${entry.state}`);

describe("a list that somebody brings", () => {
  test("is kept where its owner proves it, whoever brings it (AL6, AL37)", async () => {
    const all = await cast();
    const frames = listOf(all, [sharing(all.bob)]);
    expect(await broughtTo(all, frames)).toBe(true);
    expect(await statesAt(all)).toEqual(["write in_force"]);
    expect(await broughtTo(all, frames)).toBe(false);
  });

  test("is merged with what is there, and what it comes to is the same in either order", async () => {
    const all = await cast();
    const [root, bobs] = listOf(all, [sharing(all.bob)]);
    const eves = changeList(root!, [sharing(all.eve)]);
    expect(await broughtTo(all, [root!, bobs!])).toBe(true);
    expect(await broughtTo(all, [root!, eves])).toBe(true);
    expect(await statesAt(all)).toEqual(["write in_force", "write in_force"]);
    const other = await cast().then((another) => ({ ...another, alice: all.alice, note: all.note }));
    await bring(other.receiver, all.alice, [all.note]);
    await broughtTo(other, [root!, eves]);
    await broughtTo(other, [root!, bobs!]);
    const tips = await Promise.all([all, other].map(({ receiver }) => receiver.space.tip(root!.address)));
    expect(tips[0]).toEqual(tips[1]);
  });

  test("with more entries than it may have is passed over, and the next withdrawal is not", async () => {
    const all = await cast();
    const many = Array.from({ length: listLimits.entriesOfOneMax }, () => sharing(all.bob));
    const full = listOf(all, many);
    expect(await broughtTo(all, full)).toBe(true);
    const more = changeList(full.at(-1)!, [sharing(all.bob)]);
    expect(await broughtTo(all, [more])).toBe(false);
    const gone = changeList(more, [{ do: "withdraw", identity: all.bob.address, no: 1, names: [] }]);
    expect(await broughtTo(all, [more, gone])).toBe(true);
    expect(await statesAt(all)).toEqual(["write withdrawn"]);
  });
});

describe("eve brings a list (threat 22)", () => {
  test("that nobody proves, or that she has signed, or made: nothing of it is kept", async () => {
    const all = await cast();
    const frames = listOf(all, [sharing(all.eve)]);
    expect(await broughtTo(all, frames, { by: all.eve })).toBe(false);
    const hers = mutate(frames[1]!, { changes: [{ ...sharing(all.eve, 2) }] }, { by: all.eve.address });
    expect(await broughtTo(all, [...frames, hers], { by: all.eve })).toBe(false);
    expect(
      await broughtTo(
        all,
        [frames[0]!, mutate(frames[0]!, { changes: [{ ...sharing(all.eve) }] }, { by: all.eve.address })],
        { by: all.eve },
      ),
    ).toBe(false);
    expect(await whoMay(all.receiver, all.note.address)).toEqual([]);
  });

  test("that is not one: each is refused by name", async () => {
    const all = await cast();
    const { alice, eve, note } = all;
    const refused = async (frames: readonly IbGib[], rule: string) => {
      const outcome = keepLists(
        {
          ...{
            space: all.receiver.space,
            self: all.receiver.address,
            from: eve.address,
            holder: eve.address,
          },
          ...{ isOpen: false, merging },
        },
        shownBy(alice, frames),
      );
      await expect(outcome).rejects.toMatchObject({ code: "list_refused", facts: { rule } });
    };
    const data = { isTjp: true, n: 0, owner: alice.address, of: note.address };
    await refused([sealRecord({ ib: "list.writers", data: { ...data, more: true } })], "first");
    await refused(listOf(all, [sharing(eve)], "readers"), "readers");
    const [root] = listOf(all, []);
    const raw = (changes: readonly object[]) =>
      mutate(root!, { changes: changes.map((each) => ({ ...each })) } as never);
    await refused([root!, raw([{ do: "forget" }])], "shape");
    await refused([root!, raw([sharing(eve), sharing(eve, 2)])], "repeats");
  });

  test("by the owner of nothing, or that names what is none of its business: that has no effect", async () => {
    const all = await cast();
    const { alice, eve, receiver, note } = all;
    const eves = firstOfList("writers", note.address, eve.address);
    expect(await broughtTo(all, [eves, changeList(eves, [sharing(eve)])], { by: eve })).toBe(true);
    expect(await whoMay(receiver, note.address)).toEqual([]);
    const other = await own(alice);
    await bring(receiver, alice, [other]);
    const [left, right] = [mutate(note, { a: 1 }, { by: eve.address }), mutate(note, { b: 1 })];
    const records = new Map([note, left, right].map((record) => [record.address, record]));
    const reader = {
      getMany: async (addresses: readonly Address[]) => addresses.map((at) => records.get(at)),
    };
    const merged = await mergeTips([left.address, right.address], reader, mergeFunctions());
    if ("same" in merged) throw new Error("there is something to merge");
    await receiver.space.commit({
      ...{ holder: alice.address, sight: "anyone" as const, puts: [left, right, merged.frame] },
      tips: [{ tjp: note.address, from: note.address, to: merged.frame.address }],
    });
    const aside = (frame: Address): Change => ({ do: "setAside", frame, no: 0, why: "" });
    const naming = (name: Address): Change => ({
      do: "withdraw",
      identity: eve.address,
      no: 1,
      names: [name],
    });
    const odd = [
      aside(other.address),
      naming(other.address),
      aside(right.address),
      naming(merged.frame.address),
    ];
    await broughtTo(all, listOf(all, [sharing(eve, 2)]));
    const tips = () => receiver.space.tips([note.address, other.address]);
    const before = await tips();
    for (const change of odd) expect(await broughtTo(all, listOf(all, [change]))).toBe(true);
    expect(await tips()).toEqual(before);
    expect(await broughtTo(all, listOf(all, [aside(left.address)]))).toBe(true);
    expect((await receiver.space.tip(note.address))?.address).toBe(right.address);
  });
});

describe("what a list costs (AL35)", () => {
  test("a look-up is the same whoever else is in it, and however many", async () => {
    const looks: number[] = [];
    for (const others of [0, 30]) {
      const { alice, bob, note } = await cast();
      await share(alice, { timeline: note.address, with: bob.address, access: "write" });
      for (let at = 0; at < others; at++)
        await share(alice, {
          timeline: note.address,
          with: first().address.replace(/^note/, "keystone.identity") as Address,
          access: "write",
        });
      let count = 0;
      await alice.space.look((look) => {
        const counted = {
          record: look.record,
          cells: () => expect.fail("no list is read as a whole"),
          within: () => expect.fail("nor what is within a timeline"),
          cell: (key: string) => {
            count++;
            return look.cell(key);
          },
        };
        const asking = {
          identity: bob.address,
          self: alice.address,
          now,
          authorize: undefined,
          claimed: new Set<string>(),
        };
        expect(judge(asking, "write", note, counted).may).toBe(true);
      });
      looks.push(count);
    }
    expect(looks[0]).toBe(looks[1]);
  });

  test("a life of shares and withdrawals leaves one row, and the last of them counts", async () => {
    const { alice, bob, note } = await cast();
    const given = { timeline: note.address, with: bob.address, access: "write" } as const;
    for (let at = 0; at < 200; at++) {
      await share(alice, given);
      await unshare(alice, { timeline: note.address, from: bob.address });
    }
    await share(alice, given);
    expect((await alice.space.cells("list-identity/")).length).toBe(1);
    expect(await whoMay(alice, note.address)).toMatchObject([{ state: "in_force" }]);
    await saveRecords(alice, [mutate(note, { text: "goes on" })]);
  });
});

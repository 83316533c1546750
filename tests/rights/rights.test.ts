import { describe, expect, test } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import { changeList, firstOfList, listLimits, listsOf } from "../../src/lists/index.js";
import { type Identity, saveRecords, share, unshare } from "../../src/peer/index.js";
import { type Asking, foundTimeline, judge } from "../../src/peer/rights/rights.js";
import { withdrawExpired } from "../../src/peer/rights/sharing.js";
import { Standing } from "../../src/peer/rights/standing.js";
import { codeOf } from "../protocol/lab.js";
import { first, later, now, own, person, platform } from "./parties.js";

/** What `of` may do with a timeline at alice's: "write" includes "read". */
async function may(
  { space, address }: Identity,
  of: Address,
  timeline: IbGib,
  options: Partial<Asking> = {},
): Promise<string> {
  const asking: Asking = {
    identity: of,
    self: address,
    now,
    authorize: undefined,
    claimed: new Set(),
    ...options,
  };
  const [reads, writes] = await space.look((look) => [
    judge(asking, "read", timeline, look).may,
    judge(asking, "write", timeline, look).may,
  ]);
  if (writes) return reads ? "write" : "write without read";
  return reads ? "read" : "nothing";
}

async function aliceWithNote() {
  const alice = await person();
  const [note, bob, eve] = [await own(alice), (await person()).address, (await person()).address];
  return { alice, note, bob, eve };
}

describe("a timeline with an owner", () => {
  test("is its owner's, and nobody else's (AL10, W2)", async () => {
    const { alice, note, eve } = await aliceWithNote();
    expect(await may(alice, alice.address, note)).toBe("write");
    expect(await may(alice, eve, note)).toBe("nothing");
  });

  test("may be read, or read and written, by whom its owner shares it with (AL1, W2)", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    expect(await may(alice, bob, note)).toBe("read");
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    expect(await may(alice, bob, note)).toBe("write");
    expect(await may(alice, eve, note)).toBe("nothing");
    expect(await may(alice, bob, await own(alice))).toBe("nothing");
  });

  test("is shared until the time is over", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "read", expires: now + 1 }, platform);
    expect(await may(alice, bob, note)).toBe("read");
    expect(await may(alice, bob, note, { now: now + 1 })).toBe("nothing");
    expect(await may(alice, bob, note, { now: later.clock.now() })).toBe("nothing");
  });

  test("is shared until the owner takes it back, and may be shared again", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    for (const who of [bob, eve]) await share(alice, { timeline: note.address, with: who, access: "write" });
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await may(alice, bob, note)).toBe("nothing");
    expect(await may(alice, eve, note)).toBe("write");
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    expect(await may(alice, bob, note)).toBe("read");
  });

  test("is not shared by anyone else, the one whose store it is included", async () => {
    const { alice, bob, eve } = await aliceWithNote();
    const eves = first({ owner: eve });
    const within = first({ owner: alice.address, within: eves.address });
    await share(alice, { timeline: (await own(alice)).address, with: bob, access: "write" });
    expect(await may(alice, bob, eves)).toBe("nothing");
    expect(await may(alice, bob, within)).toBe("nothing");
    expect(await may(alice, alice.address, eves)).toBe("nothing");
  });

  test("that names no identity as its owner has none", async () => {
    const { alice, note, bob } = await aliceWithNote();
    const foreign = first({ owner: note.address });
    expect(await may(alice, alice.address, foreign)).toBe("write");
    expect(await may(alice, bob, foreign)).toBe("nothing");
    expect(await may(alice, bob, foreign, { authorize: () => true })).toBe("write");
  });
});

describe("entries of one identity", () => {
  test("stand side by side: its time is over when it is over for all of them (AL28, AL29)", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    const given = { timeline: note.address, access: "write" } as const;
    await share(alice, { ...given, with: bob, expires: now + 1 }, platform);
    await share(alice, { ...given, with: bob, access: "read", expires: now + 3 }, platform);
    await share(alice, { ...given, with: bob, expires: now + 2 }, platform);
    for (const [at, allowed] of ["write", "write", "read", "nothing"].entries())
      expect(await may(alice, bob, note, { now: now + at })).toBe(allowed);
    await share(alice, { ...given, with: eve, expires: now + 1 }, platform);
    await share(alice, { ...given, with: eve }, platform);
    expect(await may(alice, eve, note, { now: later.clock.now() })).toBe("write");

    expect(await withdrawExpired(alice, [note.address], later)).toBe(true);
    expect(await may(alice, bob, note)).toBe("nothing");
    expect(await may(alice, eve, note)).toBe("write");
  });
});

describe("what a folder's owner shares", () => {
  test("extends to what says that it is within it and has the same owner, whoever made it", async () => {
    const { alice, note: folder, bob } = await aliceWithNote();
    await share(alice, { timeline: folder.address, with: bob, access: "write" });
    const file = first({ owner: alice.address, within: folder.address });
    expect(await may(alice, bob, file)).toBe("write");
    expect(await may(alice, bob, first({ owner: alice.address }))).toBe("nothing");
    await saveRecords(alice, [file]);
    const deeper = first({ owner: alice.address, within: file.address });
    expect(await may(alice, bob, deeper)).toBe("write");
  });

  test("extends so many timelines deep, and no deeper: there it is the owner's alone", async () => {
    const { alice, note: folder, bob } = await aliceWithNote();
    await share(alice, { timeline: folder.address, with: bob, access: "write" });
    let inner = folder;
    for (let depth = 1; depth <= listLimits.withinDepthMax; depth++) {
      inner = await own(alice, { within: inner.address });
      expect(await may(alice, bob, inner)).toBe("write");
    }
    const deeper = first({ owner: alice.address, within: inner.address });
    expect(await may(alice, bob, deeper)).toBe("nothing");
    expect(await may(alice, alice.address, deeper)).toBe("write");
  });

  test("is for the outermost timeline to say: what is within it is not shared by itself (AL39)", async () => {
    const { alice, note: folder, bob } = await aliceWithNote();
    const file = await own(alice, { within: folder.address });
    const sharing = share(alice, { timeline: file.address, with: bob, access: "write" });
    await expect(sharing).rejects.toMatchObject({ code: "list_refused", facts: { rule: "within" } });
  });

  test("is not asked of a timeline that is within one of another owner's: that one has lists of its own", async () => {
    const { alice, bob, eve } = await aliceWithNote();
    const letter = await own(alice, { within: first({ owner: eve }).address }); // which is not here
    await share(alice, { timeline: letter.address, with: bob, access: "read" });
    expect(await may(alice, bob, letter)).toBe("read");
  });

  test("does not extend to what another owner keeps within it", async () => {
    const { alice, note: folder, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: folder.address, with: bob, access: "write" });
    expect(await may(alice, bob, first({ owner: eve, within: folder.address }))).toBe("nothing");
    expect(await may(alice, bob, first({ within: folder.address }))).toBe("nothing");
  });
});

describe("a timeline without an owner", () => {
  test("is open to who brought it here first, and to whose store it is (W4)", async () => {
    const { alice, bob, eve } = await aliceWithNote();
    const open = first();
    const founded = foundTimeline(bob, open.address);
    await alice.space.commit({ holder: bob, sight: { holders: [] }, cells: [founded] });
    expect(await may(alice, bob, open)).toBe("write");
    expect(await may(alice, alice.address, open)).toBe("write");
    expect(await may(alice, eve, open)).toBe("nothing");
    expect(await may(alice, bob, first())).toBe("nothing");
  });

  test("has no lists: nobody shares it (AL40)", async () => {
    const { alice, bob } = await aliceWithNote();
    const open = first();
    await saveRecords(alice, [open]);
    const sharing = share(alice, { timeline: open.address, with: bob, access: "write" });
    await expect(sharing).rejects.toMatchObject({ code: "not_owner" });
    const lets = changeList(firstOfList("writers", open.address, alice.address), [
      { do: "share", identity: bob, no: 1 },
    ]);
    expect(await may(alice, bob, lets)).toBe("nothing");
    expect(await may(alice, bob, open)).toBe("nothing");
  });
});

describe("the list of writers", () => {
  test("lets read by itself whom it lets write (AL8)", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const { readers } = listsOf(note.address, alice.address);
    expect(await alice.space.tip(readers)).toBeUndefined();
    expect(await may(alice, bob, note)).toBe("write");
  });
});

describe("an embedder's rule", () => {
  test("comes before the built-in one, and leaves to it what it says nothing about (W1)", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const authorize: Asking["authorize"] = (identity, action) =>
      identity === eve ? action === "read" : action === "write" ? false : undefined;
    expect(await may(alice, eve, note, { authorize })).toBe("read");
    expect(await may(alice, bob, note, { authorize })).toBe("read");
  });
});

describe("a list", () => {
  test("of writers may be read by who may read its timeline, and by whom it ever named (AL5, AL7)", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    const [writers, readers] = [
      firstOfList("writers", note.address, alice.address),
      firstOfList("readers", note.address, alice.address),
    ];
    expect(await may(alice, bob, writers)).toBe("nothing");
    await share(alice, { timeline: note.address, with: bob, access: "read" });
    await share(alice, { timeline: note.address, with: eve, access: "write" });
    expect(await may(alice, bob, writers)).toBe("read");
    await unshare(alice, { timeline: note.address, from: eve });
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await may(alice, eve, note)).toBe("nothing");
    expect(await may(alice, eve, writers)).toBe("read");
    expect(await may(alice, bob, writers)).toBe("nothing");
    for (const who of [bob, eve]) expect(await may(alice, who, readers)).toBe("nothing");
    for (const list of [writers, readers]) expect(await may(alice, alice.address, list)).toBe("write");
  });

  test("has no lists, and nothing is within it: it is its owner's alone (AL4)", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const writers = firstOfList("writers", note.address, alice.address);
    const sharing = share(alice, { timeline: writers.address, with: bob, access: "write" });
    await expect(sharing).rejects.toMatchObject({ code: "list_refused" });
    expect(await may(alice, bob, writers)).toBe("read");
    const inner = first({ owner: alice.address, within: writers.address });
    expect(await may(alice, bob, inner)).toBe("nothing");
  });

  test("is not what an app saves", async () => {
    const { alice, note } = await aliceWithNote();
    const list = firstOfList("writers", note.address, alice.address);
    await expect(saveRecords(alice, [list])).rejects.toMatchObject({ code: "list_refused" });
  });
});

describe("a commit that rests on an entry", () => {
  async function commitOn(alice: Identity, bob: Address, note: IbGib) {
    const { space, address: self } = alice;
    const standing = new Standing(bob, { space, self, access: "owners", now: () => now });
    await standing.load();
    expect((await standing.writes(note)).may).toBe(true);
    return () => space.commit({ holder: bob, sight: { holders: [] }, cells: standing.relied });
  }

  test("happens while nothing was withdrawn, whatever is shared with others meanwhile", async () => {
    const { alice, note, bob, eve } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const commit = await commitOn(alice, bob, note);
    expect(await commit()).toEqual({ kind: "committed" });
    await share(alice, { timeline: note.address, with: eve, access: "write" });
    expect(await commit()).toEqual({ kind: "committed" });
  });

  test("does not once the entry was withdrawn: that takes effect with the very next turn (W3)", async () => {
    const { alice, note, bob } = await aliceWithNote();
    await share(alice, { timeline: note.address, with: bob, access: "write" });
    const commit = await commitOn(alice, bob, note);
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await commit()).toMatchObject({ kind: "moved" });
  });
});

describe("what cannot be shared", () => {
  test("is refused by name", async () => {
    const { alice, note, bob } = await aliceWithNote();
    const given = { timeline: note.address, with: bob, access: "write" } as const;
    const uses = { max: 1, receiver: alice.address };
    const tries = [
      [{ ...given, with: alice.address }, "identity"],
      [{ ...given, with: note.address }, "identity"],
      [{ ...given, expires: now }, "expires"],
      [{ ...given, expires: now + 0.5 }, "expires"],
      [{ ...given, uses: { ...uses, max: 0 } }, "uses"],
      [{ ...given, uses: { ...uses, receiver: note.address } }, "uses"],
    ] as const;
    for (const [wrong, rule] of tries)
      await expect(share(alice, wrong, platform)).rejects.toMatchObject({
        code: "list_refused",
        facts: { rule },
      });
    const other = await person();
    expect(await codeOf(share(other, given))).toBe("not_found");
    expect(await codeOf(unshare(alice, { timeline: note.address, from: bob }))).toBe("not_shared");
    const eves = await own(other);
    await alice.space.commit({
      ...{ holder: other.address, sight: "anyone" as const, puts: [eves] },
      tips: [{ tjp: eves.address, from: undefined, to: eves.address }],
    });
    expect(await codeOf(share(alice, { ...given, timeline: eves.address }))).toBe("not_owner");
  });

  test("is more than a list may have of one identity, until something is taken back", async () => {
    const { alice, note, bob } = await aliceWithNote();
    const given = { timeline: note.address, with: bob, access: "write" } as const;
    const counted = () => share(alice, { ...given, uses: { max: 1, receiver: alice.address } });
    for (let at = 0; at < listLimits.entriesOfOneMax; at++) await counted();
    await expect(counted()).rejects.toMatchObject({
      code: "limit_exceeded",
      facts: { limit: "entriesOfOneMax" },
    });
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await codeOf(counted())).toBe("none");
  });

  test("again and again is one entry, where it says the same", async () => {
    const { alice, note, bob } = await aliceWithNote();
    const given = { timeline: note.address, with: bob, access: "write" } as const;
    for (let at = 0; at < 3; at++) await share(alice, given);
    const list = firstOfList("writers", note.address, alice.address);
    expect((await alice.space.tip(list.address))?.n).toBe(1);
  });
});

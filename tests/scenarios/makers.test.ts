/** A signature says what its owner did: who tries to get another one, or to be somebody else, gets nothing. */
import { expect, vi } from "vitest";
import {
  type Address,
  createTimeline,
  gibOf,
  type IbGib,
  makerOf,
  mutate,
  relate,
} from "../../src/ibgib/index.js";
import { cellKinds, newCell, readCell, removeCell } from "../../src/peer/home/cells.js";
import { attestationOf, evidenceFor, saveRecords, unshare } from "../../src/peer/index.js";
import type { Conversation } from "../../src/peer/session/conversation.js";
import { verifySpace } from "../../src/index.js";
import { checkAttested, type MadeFrame } from "../../src/saga/index.js";
import type { Space } from "../../src/space/index.js";
import type { Peer } from "../../src/testing/index.js";
import { sharedNote } from "./divergence.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

/** Every head that somebody has signed, and those that the next one who commits signs beside. */
const commits = vi.hoisted(() => ({
  signed: [] as MadeFrame[],
  claimed: [] as readonly MadeFrame[],
}));

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/session/conversation.js")>();
  class Watched extends original.Conversation {
    override sign(draft: Parameters<Conversation["sign"]>[0]) {
      if (draft.type !== "commit") return super.sign(draft);
      const entries = [...(draft.entries ?? []), ...commits.claimed];
      commits.claimed = [];
      for (const entry of entries) if (isHead(entry)) commits.signed.push(entry);
      return super.sign({ ...draft, entries });
    }
  }
  return { ...original, Conversation: Watched };
});

function isHead(entry: object | string): entry is MadeFrame {
  return typeof entry === "object" && "frame" in entry;
}

async function problemsOf(space: Space) {
  const found = [];
  for await (const each of verifySpace(space)) if (each.kind === "problem") found.push(each.problem);
  return found;
}

/** Puts records into a home past `saveRecords`, as somebody does who means it; those of `marked` are signed as its own. */
async function plant({ space, address }: Peer, puts: readonly IbGib[], marked: readonly IbGib[] = []) {
  const moves = new Map<Address, { tjp: Address; from: Address | undefined; to: Address }>();
  for (const frame of puts) {
    const tjp = frame.rel8ns?.["tjp"]?.[0] ?? frame.address;
    const from = moves.get(tjp)?.from ?? (await space.tip(tjp))?.address;
    moves.set(tjp, { tjp, from, to: frame.address });
  }
  const cells = marked.map(({ gib }) => newCell(cellKinds.made, gib, {}));
  const sight = "anyone";
  const done = await space.commit({ holder: address, sight, puts, tips: [...moves.values()], cells });
  expect(done).toEqual({ kind: "committed" });
}

async function makerShown({ space }: Peer, frame: IbGib): Promise<Address | undefined> {
  return (await attestationOf(space, frame.address))?.identity;
}

scenario(
  "bob, a receiver, wants alice's signature under a note that he wrote as hers (A9, A25) (threat 22)",
  async ({ alice, bob, dave }) => {
    const page = await bob.timeline("page");
    await bob.share(page, alice, "read");
    await alice.sync(page, { at: "bob", direction: "pull" });
    const owner = alice.address;
    const forged = createTimeline({ ib: "note", data: { text: "I owe bob 1000" }, owner, uuid: "bob's" });
    const more = mutate(forged, { text: "and more" });
    for (const frames of [[forged], [more]]) {
      await plant(bob, frames);
      await bob.link(page, "see", [forged.address]);
      await expect(alice.sync(page, { at: "bob" })).rejects.toMatchObject({ code: "attestation_refused" });
      expect(await alice.space.get(forged.address)).toBeUndefined();
    }

    // Not even where it lies in her home, whoever put it there.
    await plant(alice, [forged, more]);
    for (const { name } of [bob, dave]) await alice.sync(forged.address, { at: name }).catch(() => undefined);
    expect(commits.signed.filter(({ tjp }) => tjp === forged.address)).toEqual([]);
    for (const peer of [alice, bob, dave])
      expect(await evidenceFor(peer.space, [forged.address, more.address])).toEqual([]);
    expect(await dave.space.tip(forged.address)).toBeUndefined();
  },
);

scenario(
  "bob, a receiver, wants that his own frame counts as alice's, who goes on from it (threat 22)",
  async ({ alice, bob, dave }) => {
    const page = await bob.timeline("page");
    await bob.share(page, alice);
    const his = await bob.edit(page, { text: "something alice would never say" });
    await alice.sync(page, { at: "bob" });
    const hers = await alice.edit(page, { mine: true });
    expect(makerOf(hers, (await alice.space.get(page))!)).toBe(alice.address);
    await alice.sync(page, { at: "bob" });
    expect(await makerShown(bob, hers)).toBe(alice.address);
    // What is his he has attested to her, and she passes that on.
    expect((await alice.sync(page, { at: "dave" })).left).toEqual([]);
    for (const peer of [alice, dave]) {
      expect(await makerShown(peer, his)).toBe(bob.address);
      expect(await makerShown(peer, hers)).toBe(alice.address);
      expect(await problemsOf(peer.space)).toEqual([]);
    }
    expect((await dave.space.tip(page))?.address).toBe(hers.address);
  },
);

scenario(
  "what a receiver's home has made is proved to everybody, by its session alone, and to itself when it comes back (A17, A18)",
  async ({ alice, carol, bob, dave }) => {
    const page = await bob.timeline("page");
    await bob.share(page, alice);
    await bob.share(page, carol);
    await bob.edit(page, { text: "by bob" });
    const newest = await bob.edit(page, { text: "by bob again" });
    await alice.sync(page, { at: "bob" });
    const proof = await evidenceFor(alice.space, [newest.address]);
    expect(checkAttested(proof)).toEqual([
      { tjp: page, frame: newest.address, identity: bob.address, session: expect.any(String) },
    ]);
    for (const left of proof) expect(() => checkAttested(proof.filter((item) => item !== left))).toThrow();

    await alice.sync(page, { at: "dave" });
    await carol.sync(page, { at: "dave", direction: "pull" });
    expect(await makerShown(carol, newest)).toBe(bob.address);
    expect(checkAttested(await evidenceFor(carol.space, [newest.address]))).toEqual(checkAttested(proof));
    // Anew to each sender: carol's own session with bob shows nothing of alice's.
    await bob.edit(page, { text: "more" });
    await carol.sync(page, { at: "bob" });
    const { session } = (await attestationOf(carol.space, (await carol.tip(page)).address)) ?? {};
    expect(session).not.toBe(checkAttested(proof)[0]?.session);
    await expectInStep(carol, bob, [page]);
    for (const peer of [alice, carol, dave, bob]) expect(await problemsOf(peer.space)).toEqual([]);
  },
);

scenario(
  "dave, a receiver, owns a page: that proves nothing of what somebody else has made of it (A19) (threat 22)",
  async ({ alice, carol, dave }) => {
    const page = await dave.timeline("page");
    for (const peer of [alice, carol]) await dave.share(page, peer);
    await alice.sync(page, { at: "dave" });
    const first = (await dave.space.get(page))!;
    const planted = mutate(first, { text: "as if by carol" }, { by: carol.address });
    await plant(dave, [planted], [planted]);
    expect((await alice.sync(page, { at: "dave" })).left).toMatchObject([
      { address: page, reason: "not_proved" },
    ]);
    expect(await makerShown(alice, planted)).toBeUndefined();
  },
);

scenario(
  "carol, who may not write any more, wants to be the maker of alice's newest frame (A12) (threat 22)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "shared" }, [alice, carol], [bob, dave]);
    for (const reader of [erin, carol]) await alice.share(note, reader, "read");
    await alice.sync(note, { at: "dave" });
    await unshare(alice.identity, { timeline: note, from: carol.address });
    await alice.share(note, carol, "read");
    const edit = await alice.edit(note, { text: "alice's own" });
    await alice.sync(note, { at: "bob" });
    await carol.sync(note, { at: "bob", direction: "pull" });

    // Dave was not told. Carol forgets who signed it, and signs it herself.
    const cell = await readCell(carol.space, cellKinds.attested, gibOf(edit.address));
    await carol.space.commit({
      ...{ holder: carol.address, sight: { holders: [] } },
      cells: [removeCell(cell)],
    });
    commits.claimed = [{ tjp: note, frame: edit.address }];
    expect((await carol.sync(note, { at: "dave" })).left).toMatchObject([{ address: note }]);
    expect(commits.claimed).toEqual([]);
    expect(await makerShown(dave, edit)).toBeUndefined();

    await alice.sync(note, { at: "dave" });
    await erin.sync(note, { at: "dave", direction: "pull" });
    for (const peer of [dave, erin]) expect(await makerShown(peer, edit)).toBe(alice.address);
    await expectInStep(alice, dave, [note]);
  },
);

scenario(
  "carol, who may write, wants to have alice say something, below a frame of her own (A13) (threat 22)",
  async ({ alice, carol, erin, bob, dave: eve }) => {
    const note = await sharedNote({ text: "shared" }, [alice, carol, erin], [bob, eve]);
    const before = await carol.tip(note);
    const forged = mutate(before, { text: "alice says so, says carol" });
    const hers = mutate(forged, { title: "by carol" }, { by: carol.address });
    await plant(carol, [forged, hers], [forged, hers]);
    expect((await carol.sync(note, { at: "bob" })).left).toMatchObject([
      { address: note, reason: "not_taken" },
    ]);
    expect((await bob.tip(note)).address).toBe(before.address);
    expect(commits.signed.filter(({ frame }) => frame === forged.address)).toEqual([]);

    // A receiver that takes it all the same, and shows what carol did sign.
    await plant(eve, [forged, hers]);
    for (const reader of [alice, erin])
      expect((await reader.sync(note, { at: eve.name })).left).toMatchObject([
        { address: note, reason: "not_proved" },
      ]);
    expect((await erin.tip(note)).address).toBe(before.address);
  },
);

scenario(
  "a first frame that the receiver does not take is not done, though it is all there is (threat 22)",
  async ({ alice, carol, bob }) => {
    const owner = alice.address;
    const first = createTimeline({
      ib: "note",
      data: { text: "by alice, says carol" },
      owner,
      uuid: "planted",
    });
    await plant(carol, [first], [first]);
    const report = await carol.sync(first.address, { at: "bob" });
    expect(report.left).toMatchObject([{ address: first.address, reason: "not_taken" }]);
    expect(report.tips).toEqual([]);
    expect(await bob.space.tip(first.address)).toBeUndefined();
  },
);

scenario(
  "two who write in turn: each reader has each run of frames from its maker, in whatever order they come (A10, A11)",
  async ({ alice, carol, erin, bob, dave }) => {
    const note = await sharedNote({ text: "shared" }, [alice, carol], [bob, dave]);
    await alice.share(note, erin, "read");
    const ends: IbGib[] = [];
    for (const writer of [carol, alice, carol]) {
      await writer.sync(note, { at: "bob" });
      ends.push(await writer.edit(note, { [writer.name]: 1 }, { [writer.name]: 2 }));
      await writer.sync(note, { at: "bob" });
    }
    await alice.sync(note, { at: "bob" });
    await alice.sync(note, { at: "dave" });
    await erin.sync(note, { at: "dave" });
    const makers = [carol.address, alice.address, carol.address];
    for (const peer of [bob, dave, erin])
      expect(await Promise.all(ends.map((end) => makerShown(peer, end)))).toEqual(makers);
    await expectInStep(erin, dave, [note]);
  },
);

scenario(
  "carol adds a file to alice's folder: it is alice's by carol, and nowhere else",
  async ({ alice, carol, erin, bob }) => {
    const folder = await sharedNote({ name: "a folder" }, [alice, carol], [bob]);
    await alice.share(folder, erin, "read");
    await alice.sync(folder);
    const [owner, by] = [alice.address, carol.address];
    const file = createTimeline({ ib: "file", owner, by, within: folder, uuid: "carol's" });
    await saveRecords(carol, [
      file,
      relate(await carol.tip(folder), { add: { file: [file.address] } }, { by }),
    ]);
    await carol.sync(folder);
    for (const reader of [alice, erin]) {
      await reader.sync(folder);
      expect((await reader.tip(file.address)).address).toBe(file.address);
      expect(await makerShown(reader, file)).toBe(by);
    }

    const diary = await carol.timeline("diary");
    const elsewhere = createTimeline({ ib: "file", owner, by, within: diary, uuid: "carol's too" });
    await expect(saveRecords(carol, [elsewhere])).rejects.toMatchObject({ facts: { rule: "within" } });
    await plant(carol, [elsewhere], [elsewhere]);
    await carol.sync([diary, elsewhere.address]);
    expect(await bob.space.tip(elsewhere.address)).toBeUndefined();
  },
);

scenario(
  "nobody saves as its own what names somebody else as its maker (A7, A8)",
  async ({ alice, carol, bob }) => {
    const note = await sharedNote({}, [alice, carol], [bob]);
    const tip = await carol.tip(note);
    for (const frame of [mutate(tip, { a: 1 }), mutate(tip, { a: 1 }, { by: bob.address })])
      await expect(saveRecords(carol, [frame])).rejects.toMatchObject({ code: "maker_not_self" });
    expect((await carol.tip(note)).address).toBe(tip.address);
    const cells = [{ key: "an app's", from: undefined, to: new Uint8Array([1]) }];
    await saveRecords(carol, [mutate(tip, { a: 1 }, { by: carol.address })], { cells });
    expect(await carol.space.cell("an app's")).toEqual(new Uint8Array([1]));
    const again = saveRecords(carol, [mutate(await carol.tip(note), {}, { by: carol.address })], { cells });
    await expect(again).rejects.toMatchObject({ code: "tip_moved", facts: { timelines: 0, cells: 1 } });
  },
);

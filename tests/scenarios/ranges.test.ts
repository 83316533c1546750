/** Sets that both sides have are compared by ranges, and only what differs is named. */
import { expect, vi } from "vitest";
import { type Address, createTimeline } from "../../src/ibgib/index.js";
import { createSender } from "../../src/peer/index.js";
import { checkReceipt, type Root, setFingerprint, type TurnDraft } from "../../src/saga/index.js";
import { type Peer, type ReceiverPeer, type SenderPeer, tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { spoken } from "./overheard.js";
import { type Cast, scenario } from "./scenario.js";
import { type Attempt, answersTo, saga } from "./speaker.js";
import { expectInStep } from "./turns.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

const limits = { comparedMin: 8 };

/** A folder with so many timelines within it. */
async function folderOf(
  owner: Peer,
  count: number,
): Promise<readonly [folder: Address, ...within: Address[]]> {
  const folder = await owner.timeline("folder");
  const within: Address[] = [];
  for (let at = 0; at < count; at++) within.push(await owner.timeline("file", { within: folder }));
  return [folder, ...within];
}

/** What a saga says, turn by turn, and all that a sender says and hears of it in bytes. */
async function said(
  who: SenderPeer,
  { world }: Cast,
  roots: readonly Address[],
  direction: "push" | "pull" | "both",
) {
  const tap = tapDial(world.dial);
  const { identity } = who;
  const sender = createSender({ identity, dial: tap.dial, audience: world.audience, limits });
  await sender.connect();
  const before = tap.said.length;
  const report = await sender.sync(roots, { direction });
  await sender.disconnect();
  const messages = tap.said.slice(before);
  const turns = messages.map(({ message }) => nameOf(message)).filter((name) => name !== "credit");
  const bytes = messages.reduce((sum, { message }) => sum + message.length, 0);
  const init = messages.find(({ message }) => nameOf(message) === "init")?.message;
  const body = typeof init === "string" ? JSON.parse(JSON.parse(init).body) : undefined;
  return { report, turns, bytes, named: ((body?.entries ?? []) as Root[]).map(({ address }) => address) };
}

scenario(
  "a folder that is in step is agreed on by one fingerprint, whatever its size (X1, X3, X4, X8, K4)",
  async (cast) => {
    const { alice, bob } = cast;
    const sizes: number[] = [];
    for (const count of [30, 120]) {
      const all = await folderOf(alice, count);
      await alice.sync(all[0]);
      for (const direction of ["push", "pull", "both"] as const) {
        const { turns, bytes, report } = await said(alice, cast, [all[0]], direction);
        expect(turns).toEqual(["ranges", "alike", "init", "ack", "commit", "receipt"]);
        expect(report.tips.map(({ address }) => address).sort()).toEqual([...all].sort());
        expect(checkReceipt(report.receipt, bob.address)).toMatchObject({
          tips: [],
          alike: [{ of: all[0], count: all.length, root: await setFingerprint(report.tips) }],
        });
        sizes.push(bytes);
      }
      await expectInStep(alice, bob, all);
    }
    expect(Math.max(...sizes)).toBeLessThan(1.05 * Math.min(...sizes));
  },
);

scenario("of a set that differs in a few places only these are named (X1, X2)", async (cast) => {
  const { alice, carol, bob } = cast;
  const all = await folderOf(alice, 60);
  const [folder, one, two] = all;
  await alice.share(folder, carol, "write");
  await alice.sync(folder);
  await carol.sync(folder);
  await alice.edit(one!, { who: "alice" });
  await carol.edit(two!, { who: "carol" });
  await carol.sync(folder);
  const added = await alice.timeline("file", { within: folder });
  const { named } = await said(alice, cast, [folder], "both");
  expect(named).toEqual(expect.arrayContaining([one, two, added]));
  expect(named.length).toBeLessThan(10);
  await expectInStep(alice, bob, [...all, added]);
  const again = await said(carol, cast, [folder], "both");
  expect(again.named.length).toBeLessThan(10);
  for (const who of [alice, carol]) await expectInStep(who, bob, [...all, added]);
});

scenario("many timelines that were named are compared as what their owner has (X3)", async (cast) => {
  const { alice, bob } = cast;
  const notes: Address[] = [];
  for (let at = 0; at < 40; at++) notes.push(await alice.timeline("note"));
  await alice.sync(notes);
  await alice.edit(notes[7]!, { text: "new" });
  const { named, turns } = await said(alice, cast, notes, "push");
  expect(turns[0]).toBe("ranges");
  expect(named).toContain(notes[7]);
  expect(named.length).toBeLessThan(5);
  await expectInStep(alice, bob, notes);
});

scenario("of a set that is new there, or mostly, nothing is compared further", async (cast) => {
  const { alice, bob } = cast;
  const [folder, ...files] = await folderOf(alice, 40);
  const { turns, named } = await said(alice, cast, [folder], "push");
  expect(turns.slice(0, 3)).toEqual(["ranges", "alike", "init"]);
  expect(named).toHaveLength(41);
  for (let at = 0; at < 20; at++) files.push(await alice.timeline("file", { within: folder }));
  expect((await said(alice, cast, [folder], "both")).turns.slice(0, 3)).toEqual(["ranges", "alike", "init"]);
  await expectInStep(alice, bob, [folder, ...files]);
});

scenario("a folder that is named beside the one around it is compared with that (X1)", async (cast) => {
  const { alice, bob } = cast;
  const [outer] = await folderOf(alice, 20);
  const inner = await alice.timeline("folder", { within: outer });
  for (let at = 0; at < 20; at++) await alice.timeline("file", { within: inner });
  await alice.sync(outer);
  for (const roots of [
    [inner, outer],
    [outer, inner],
  ]) {
    const { named, turns } = await said(alice, cast, roots, "both");
    expect([named, turns]).toEqual([[], ["ranges", "alike", "init", "ack", "commit", "receipt"]]);
  }
  await expectInStep(alice, bob, [outer, inner]);
});

function answersOf(attempt: Attempt, who: SenderPeer, at: ReceiverPeer) {
  let own: typeof spoken.newest;
  return answersTo(attempt, who, at, () => (own ??= spoken.newest!));
}

const whole = (of: Address, root: string) => ({ type: "ranges", saga, of, root });

scenario(
  "a set that one may not read is as empty as one that is not there: no oracle (X5) (threat 20)",
  async ({ alice, carol, bob }) => {
    const all = await folderOf(alice, 10);
    await alice.sync(all[0]);
    const owner = alice.address;
    const elsewhere = createTimeline({ ib: "folder", owner, uuid: "of nobody here" }).address;
    const tips = await Promise.all(
      all.map(async (address) => ({ address, tip: (await alice.tip(address)).address, n: 0 })),
    );
    const right = await setFingerprint(tips);
    for (const root of [right, ""]) {
      const answers: (readonly string[])[] = [];
      for (const of of [all[0], elsewhere, owner])
        answers.push(await answersOf(({ say }) => say(whole(of, root)), carol, bob));
      expect(answers).toEqual(
        answers.map(() => [`alike {"alike":"${root === "" ? "01" : "00"}","count":0}`]),
      );
    }
    expect(await answersOf(({ say }) => say(whole(all[0], right)), alice, bob)).toEqual([
      `alike {"alike":"01","count":${all.length}}`,
    ]);
  },
);

scenario("ranges out of their place, twice, or of no set end the session (threat 11)", async (cast) => {
  const { alice, bob } = cast;
  const all = await folderOf(alice, 3);
  const [folder] = all;
  await alice.sync(folder);
  const right = await setFingerprint(all.map((address) => ({ address, tip: address, n: 0 })));
  const nodes = Array.from({ length: 16 }, () => "");
  const range = (...at: readonly string[]) => ({
    type: "ranges",
    entries: at.map((digits) => ({ at: digits, nodes })),
  });
  const init = { type: "init", direction: "push", entries: [{ address: folder, tip: folder, n: 0 }] };
  /** The set is begun with, and this follows. */
  const then =
    (draft: TurnDraft, root = ""): Attempt =>
    async ({ say }) => {
      await say(whole(folder, root));
      await say(draft);
    };
  const differs = 'alike {"alike":"00","count":4}';
  const attempts: readonly (readonly [Attempt, ...string[]])[] = [
    [({ say }) => say({ ...range(""), saga }), "error malformed_message"],
    [({ say }) => say({ ...whole(folder, ""), ...range("") }), "error malformed_message"],
    [then(range("0")), differs, "error malformed_message"],
    [then(range("", "")), differs, "error malformed_message"],
    [then(range(""), right), 'alike {"alike":"01","count":4}', "error malformed_message"],
    [then(whole(folder, "")), differs, "error malformed_message"],
    [then({ type: "ranges" }), differs, "error malformed_message"],
    [then({ type: "delta" }), differs, "error out_of_turn"],
    [then({ ...init, saga: "00".repeat(16) }), differs, "error out_of_turn"],
  ];
  for (const [attempt, ...answers] of attempts) expect(await answersOf(attempt, alice, bob)).toEqual(answers);
});

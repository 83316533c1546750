import { afterEach, describe, expect, test } from "vitest";
import { type Address, createTimeline, mutate } from "../../src/ibgib/index.js";
import { type Authorize, checkReceipt, type ReceiptBundle } from "../../src/index.js";
import {
  createSender,
  type SyncReport,
  saveRecords,
  share,
  verifySpace,
  whoMay,
} from "../../src/peer/index.js";
import { createWorld, type ReceiverPeer, type SenderPeer, type World } from "../../src/testing/index.js";
import { codeOf } from "../protocol/lab.js";

let world: World;
afterEach(() => world.close());

const max = 7;

/** Alice and carol, and what alice lets carol do with a timeline so many times, as bob counts. */
async function openWorld(seed: string) {
  world = await createWorld({ seed, senders: ["alice", "carol"], limits: { sessionsPerIdentityMax: 100 } });
  const [alice, carol] = [world.senders[0]!, world.senders[1]!];
  const bob = world.receiver;
  const letIn = (timeline: Address, access: "read" | "write") =>
    share(alice.identity, {
      timeline,
      with: carol.address,
      access,
      uses: { max, receiver: bob.address },
    });
  return { alice, carol, bob, letIn };
}

/** A saga of `who` for each of `wanted`, all at once over so many connections: what each reports, or how it ends. */
async function atOnce(
  wanted: readonly Address[],
  who: SenderPeer,
  direction: "both" | "pull",
  connections: number,
): Promise<readonly (SyncReport | string)[]> {
  const { dial, audience } = world;
  const senders = Array.from({ length: connections }, () =>
    createSender({ identity: who.identity, dial, audience }),
  );
  for (const sender of senders) await sender.connect();
  const sagas = wanted.map(async (root, at) => {
    const outcome = senders[at % connections]!.sync([root], { direction });
    const code = await codeOf(outcome);
    return code === "none" ? outcome : code;
  });
  const outcomes = await Promise.all(sagas);
  await Promise.all(senders.map((sender) => sender.disconnect()));
  return outcomes;
}

const hundred = (timeline: Address) => Array.from({ length: 100 }, () => timeline);

describe("an entry that counts its uses, under 100 sagas at once (threat 22)", () => {
  test("lets in exactly so many to read", async () => {
    const { alice, carol, bob, letIn } = await openWorld("counted reads");
    const note = await alice.timeline("note", { data: { text: "by alice" } });
    await letIn(note, "read");
    await alice.sync(note);
    const outcomes = await atOnce(hundred(note), carol, "pull", 100);
    expect(outcomes.filter((outcome) => typeof outcome !== "string")).toHaveLength(max);
    expect(outcomes.filter((outcome) => outcome === "unknown_root")).toHaveLength(100 - max);
    expect(await whoMay(bob.identity, note)).toMatchObject([{ used: max, state: "used_up" }]);
  });

  test("lets in exactly so many to read what comes along with something else", async () => {
    const { alice, carol, bob, letIn } = await openWorld("counted along");
    const folder = await alice.timeline("folder");
    const note = await alice.timeline("note");
    await alice.edit(note, { text: "by alice" });
    await alice.link(folder, "note", [note]);
    await letIn(note, "read");
    await alice.share(folder, carol, "read");
    await alice.sync(folder);
    const outcomes = await atOnce(hundred(folder), carol, "pull", 16);
    expect(outcomes.filter((outcome) => typeof outcome === "string")).toEqual([]);
    const came = outcomes.filter((outcome) => namesAt(outcome, note, 1));
    expect(came).toHaveLength(max);
    expect(await whoMay(bob.identity, note)).toMatchObject([{ used: max, state: "used_up" }]);
  });

  test("lets in exactly so many to write", async () => {
    const { alice, carol, bob, letIn } = await openWorld("counted writes");
    const folder = await alice.timeline("folder");
    await letIn(folder, "write");
    await alice.sync(folder);
    await carol.sync(folder, { direction: "pull" }); // which is one use, and brings the list that lets her write
    const files = Array.from({ length: 100 }, (_, at) =>
      createTimeline({ ib: "file", owner: alice.address, by: carol.address, within: folder, uuid: `${at}` }),
    );
    await saveRecords(
      carol,
      files.flatMap((file) => [file, mutate(file, { text: "by carol" }, { by: carol.address })]),
    );
    const outcomes = await atOnce(
      files.map(({ address }) => address),
      carol,
      "both",
      16,
    );
    const reports = outcomes.filter((outcome) => typeof outcome !== "string");
    expect(reports).toHaveLength(100);
    expect(reports.filter(({ left }) => left.length === 0)).toHaveLength(max - 1);
    const tips = await bob.space.tips(files.map(({ address }) => address));
    expect(tips.filter((tip) => tip !== undefined)).toHaveLength(max - 1);
    expect(await whoMay(bob.identity, folder)).toMatchObject([{ used: max, state: "used_up" }]);
  });
});

/** Does the report say that the receiver has this frame of the timeline for it? */
function namesAt(outcome: SyncReport | string, timeline: Address, n: number): boolean {
  if (typeof outcome === "string") return false;
  return [...outcome.tips, ...outcome.found].some((tip) => tip.address === timeline && tip.n === n);
}

describe("what an entry lets in that counts its uses", () => {
  /** Alice lets carol write a note, as bob counts, and erin without a count; all have it. */
  async function openShared(seed: string, access?: Authorize) {
    world = await createWorld({
      ...{ seed, senders: ["alice", "carol", "erin"], receivers: ["bob", "dave"] },
      ...(access && { access }),
    });
    const [alice, carol, erin] = world.senders as [SenderPeer, SenderPeer, SenderPeer];
    const [bob, dave] = world.receivers as [ReceiverPeer, ReceiverPeer];
    const note = await alice.timeline("note", { data: { text: "first" } });
    const uses = { max: 3, receiver: bob.address };
    await share(alice.identity, { timeline: note, with: carol.address, access: "write", uses });
    await alice.share(note, erin);
    for (const { name } of [bob, dave]) await alice.sync(note, { at: name });
    for (const peer of [carol, erin]) await peer.sync(note, { direction: "pull" });
    return { alice, carol, erin, bob, dave, note };
  }

  test("counts everywhere with the receipt of who counts, which names it with the entry (AL12)", async () => {
    const { alice, carol, erin, bob, dave, note } = await openShared("counted elsewhere");
    const edit = await carol.edit(note, { text: "by carol" });
    const { receipt } = await carol.sync(note);
    const [{ entry } = { entry: "" }] = await whoMay(alice.identity, note);
    expect(checkReceipt(receipt, bob.address).counted).toEqual([{ tjp: note, frame: edit.address, entry }]);
    expect((await carol.sync(note)).left).toEqual([]);

    await erin.sync(note, { direction: "pull" });
    await erin.sync(note, { at: "dave" });
    await alice.sync(note, { at: "dave" });
    for (const peer of [carol, erin, dave, alice, bob])
      expect(await peer.space.tip(note)).toMatchObject({ address: edit.address });
    for (const peer of [alice, bob, carol, dave])
      for await (const problem of verifySpace(peer.space)) expect(problem.kind).toBe("summary");
    expect(await unfit(receipt, { counted: undefined }, bob.address)).toBe("receipt_refused");
    expect(await unfit(receipt, { counted: [{ tjp: note, frame: note, entry }] }, bob.address)).toBe(
      "receipt_refused",
    );
  });

  test("counts nowhere without it (AL12) (threat 22)", async () => {
    let isOpen = false;
    const { carol, erin, dave, note } = await openShared("uncounted", () => (isOpen ? true : undefined));
    const edit = await carol.edit(note, { text: "by carol" });
    expect((await carol.sync(note, { at: "dave" })).left).toMatchObject([{ reason: "may_not_write" }]);
    isOpen = true;
    expect((await carol.sync(note, { at: "dave" })).left).toEqual([]);
    expect((await dave.tip(note)).address).toBe(edit.address);
    isOpen = false;
    const { left } = await erin.sync(note, { at: "dave", direction: "pull" });
    expect(left).toMatchObject([{ address: note, reason: "may_not_write", head: edit.address }]);
    expect((await erin.tip(note)).address).toBe(note);
  });
});

const unfit = async (receipt: ReceiptBundle, change: object, receiver: Address) =>
  codeOf(Promise.resolve().then(() => checkReceipt({ ...receipt, ...change }, receiver)));

/** What no honest peer says: each ends in a typed error, or in an outcome that is laid down, and nothing of it is kept. */
import { expect, vi } from "vitest";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  relate,
  sealRecord,
} from "../../src/ibgib/index.js";
import { type Change, changeList, firstOfList, listLimits, listsOf } from "../../src/lists/index.js";
import { saveRecords, setAside, whoMay } from "../../src/peer/index.js";
import type { Direction, Root } from "../../src/saga/index.js";
import type { ReceiverPeer, SenderPeer } from "../../src/testing/index.js";
import { spoken } from "./overheard.js";
import { scenario } from "./scenario.js";
import { type Attempt, answersTo, saga } from "./speaker.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

function answersOf(attempt: Attempt, who: SenderPeer, at: ReceiverPeer) {
  let own: typeof spoken.newest;
  return answersTo(attempt, who, at, () => (own ??= spoken.newest!));
}

const init = (direction: Direction, ...entries: readonly Root[]) => ({
  type: "init",
  saga,
  direction,
  entries,
});

/** A frame of a timeline as a root that ends there. */
function rootOf(tjp: Address, { address: tip, data }: IbGib) {
  return { address: tjp, tip, n: Number((data as { n?: number }).n) };
}

/** A push of one timeline whose newest frame is the last of `records`; who pushes says that it is its own. */
function push(tjp: Address, records: readonly IbGib[], references: readonly Address[] = []): Attempt {
  return async ({ say, send }) => {
    const tip = records.at(-1)!;
    await say(init("push", rootOf(tjp, tip)));
    await send(records, references);
    await say({ type: "commit", entries: [rootOf(tjp, tip), { tjp, frame: tip.address }] });
  };
}

const isAck = expect.stringMatching(/^ack/);
const isTaken = [isAck, expect.stringMatching(/^receipt/)];
const isRefused = (code: string) => [isAck, `error ${code}`];
/** What a receipt says of a root: this frame is its tip there. */
const standsAt = (tjp: Address, tip: IbGib) => [
  isAck,
  `receipt ${JSON.stringify({ entries: [rootOf(tjp, tip)] })}`,
];

let made = 0;
/** A timeline of somebody's, by its first frame. */
const timelineOf = ({ address: owner }: Pick<SenderPeer, "address">): IbGib =>
  createTimeline({ ib: "list", owner, uuid: `list ${made++}` });

scenario(
  "who has made a frame is said in one form, where it belongs, or not at all (threat 22)",
  async (cast) => {
    const { alice, carol, bob } = cast;
    const [owner, first] = [carol.address, timelineOf(carol)];
    const next = (data: object) => {
      const rel8ns = { past: [first.address], tjp: [first.address] };
      return sealRecord({ ib: "list", data: { n: 1, owner, ...data }, rel8ns });
    };
    const merge = { function: "fields", version: 1 };
    const founding = { isTjp: true, n: 0, owner: alice.address, by: owner };
    const wrong = [
      [first, next({ by: owner })],
      [first, next({ by: alice.address, merge })],
      [first, next({ by: first.address })],
      [sealRecord({ ib: "list", data: founding })],
    ];
    for (const records of wrong)
      expect(await answersOf(push(records[0]!.address, records), carol, bob)).toEqual(
        isRefused("chain_refused"),
      );
    expect(await bob.space.tip(first.address)).toBeUndefined();

    // Within a timeline of carol's own it is no file of alice's: it is kept as a record, and shown to nobody.
    expect(await answersOf(push(first.address, [first]), carol, bob)).toEqual(isTaken);
    const within = sealRecord({ ib: "list", data: { ...founding, within: first.address } });
    expect(await answersOf(push(within.address, [within]), carol, bob)).toEqual(isTaken);
    expect(await bob.space.tip(within.address)).toBeUndefined();
    await carol.share(first.address, alice, "read").catch(() => undefined);
    await expect(alice.sync(within.address, { direction: "pull" })).rejects.toMatchObject({
      code: "unknown_root",
    });
  },
);

scenario("a list is its owner's, in its form, or it is refused (AL9) (threat 22)", async (cast) => {
  const { alice, carol, bob, dave } = cast;
  const note = await alice.timeline("note");
  await alice.share(note, carol, "read");
  await alice.sync(note);
  await carol.sync(note, { direction: "pull" });
  const { writers, readers } = listsOf(note, alice.address);
  const root = firstOfList("writers", note, alice.address);
  const share: Change = { do: "share", identity: carol.address, no: 1 };

  // By carol, who may read: the list of readers is told to her by nobody, and she writes none.
  const ask: Attempt = ({ say }) => say(init("pull", { address: readers }));
  for (const at of [bob, dave])
    expect(await answersOf(ask, carol, at)).toEqual(['ack {"entries":[{"status":"unknown"}]}']);
  const more = { isTjp: true, n: 0, owner: alice.address, of: note, more: true };
  const misfounded = sealRecord({ ib: "list.writers", data: more });
  expect(await answersOf(push(misfounded.address, [misfounded]), carol, bob)).toEqual(
    isRefused("list_refused"),
  );
  const hers = [root, changeList(root, [share])];
  expect(await answersOf(push(writers, hers), carol, bob)).toEqual(standsAt(writers, root));

  // By alice herself.
  const counted = mutate(root, { changes: [{ ...share, uses: 1, receiver: note }] } as never);
  expect(await answersOf(push(writers, [root, counted]), alice, bob)).toEqual(isRefused("list_refused"));
  const full = [root];
  for (let at = 0; at <= listLimits.entriesOfOneMax; at++) full.push(changeList(full.at(-1)!, [share]));
  const left = `receipt {"entries":[{"address":"${writers}","left":"over_quota"}]}`;
  expect(await answersOf(push(writers, full), alice, bob)).toEqual([expect.stringMatching(/^ack/), left]);
  expect(await whoMay(bob.identity, note)).toMatchObject([{ access: "read", state: "in_force" }]);
});

scenario("whoever has all that it made set aside stops nobody (W11) (threat 22)", async (cast) => {
  const { alice, carol, erin, bob } = cast;
  const folder = await alice.timeline("folder");
  for (const writer of [carol, erin]) await alice.share(folder, writer);
  await alice.sync(folder);
  for (const writer of [carol, erin]) await writer.sync(folder, { direction: "pull" });
  const by = carol.address;
  const file = createTimeline({ ib: "file", owner: alice.address, by, within: folder, uuid: "file" });
  const second = mutate(file, { text: "junk" }, { by });
  const linked = relate(await carol.tip(folder), { add: { file: [file.address] } }, { by });
  await saveRecords(carol, [file, second, linked]);
  for (const peer of [carol, alice, erin]) await peer.sync(folder);
  expect((await erin.tip(file.address)).address).toBe(second.address);
  for (const { address: frame } of [second, file, linked])
    await setAside(alice.identity, { timeline: folder, frame, why: "junk" });
  for (const peer of [alice, erin]) await peer.sync(folder);
  for (const { space } of [alice, erin, bob])
    expect((await space.tip(file.address))?.address).not.toBe(second.address);
  const edit = await erin.edit(folder, { text: "goes on" });
  for (const peer of [erin, alice]) await peer.sync(folder);
  for (const peer of [alice, bob]) expect((await peer.tip(folder)).address).toBe(edit.address);
});

scenario(
  "a link to its own timeline is no reference, whatever name it has (threat 12)",
  async ({ carol, bob }) => {
    const first = timelineOf(carol);
    const second = relate(first, { add: { see: [first.address] } });
    expect(await answersOf(push(first.address, [first]), carol, bob)).toEqual(isTaken);
    const attempt = push(first.address, [second], [first.address]);
    expect(await answersOf(attempt, carol, bob)).toEqual(isRefused("reference_refused"));
    expect((await bob.tip(first.address)).address).toBe(first.address);
  },
);

scenario("the frames that a commit signs are of roots that move by it (threat 22)", async (cast) => {
  const { alice, carol, bob } = cast;
  const [first, still] = [timelineOf(carol), timelineOf(carol)];
  expect(await answersOf(push(still.address, [still]), carol, bob)).toEqual(isTaken);
  const note = await alice.timeline("note");
  await alice.sync(note);
  for (const tjp of [still.address, note]) {
    const attempt: Attempt = async ({ say, send }) => {
      await say(init("push", rootOf(first.address, first), rootOf(still.address, still)));
      await send([first]);
      const tips = [rootOf(first.address, first), rootOf(still.address, still)];
      await say({ type: "commit", entries: [...tips, { tjp, frame: tjp }] });
    };
    expect(await answersOf(attempt, carol, bob)).toEqual(isRefused("malformed_message"));
  }
  expect(await bob.space.tip(first.address)).toBeUndefined();
});

scenario(
  "a saga's id opens no door to another saga with that id (threat 1)",
  async ({ carol, erin, bob }) => {
    for (const isRight of [true, false]) {
      const [one, two] = [timelineOf(carol), timelineOf(erin)];
      let erins: readonly string[] = [];
      const attempt: Attempt = async ({ say, send }) => {
        await say(init("push", rootOf(one.address, one)));
        await send([one]);
        await say({ type: "delta" });
        erins = await answersOf(isRight ? push(two.address, [two]) : withoutRecords(one), erin, bob);
        const head = { tjp: one.address, frame: one.address };
        await say({ type: "commit", entries: [rootOf(one.address, one), head] });
      };
      expect(await answersOf(attempt, carol, bob)).toEqual([isAck, "staged {}", isTaken[1]]);
      expect(erins).toEqual(isRight ? isTaken : isRefused("not_closed"));
    }
  },
);

/** A push of what somebody else is sending just now. */
function withoutRecords(first: IbGib): Attempt {
  return async ({ say }) => {
    await say(init("push", rootOf(first.address, first)));
    await say({ type: "commit", entries: [rootOf(first.address, first)] });
  };
}

scenario(
  "an id that a session has named before names a saga of its own (threat 1)",
  async ({ carol, bob }) => {
    const all = [timelineOf(carol), timelineOf(carol), timelineOf(carol)];
    const attempt: Attempt = async (speaker) => {
      for (const [at, first] of all.entries()) {
        const id = at === 1 ? saga.replaceAll("5", "6") : saga;
        await push(first.address, [first])({ ...speaker, say: (draft) => speaker.say(inSaga(id, draft)) });
      }
    };
    expect(await answersOf(attempt, carol, bob)).toEqual([...isTaken, ...isTaken, ...isTaken]);
    for (const { address } of all) expect((await bob.tip(address)).address).toBe(address);
  },
);

function inSaga<Draft extends object>(id: string, draft: Draft): Draft {
  return "saga" in draft ? { ...draft, saga: id } : draft;
}

import { expect, vi } from "vitest";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  relate,
  sealRecord,
  toText,
} from "../../src/ibgib/index.js";
import { changeList, firstOfList } from "../../src/lists/index.js";
import { evidenceFor, unshare } from "../../src/peer/index.js";
import { CommitQueue } from "../../src/peer/receiver/commit-queue.js";
import { type AttestedFrames, type Direction, placesOf, type Root } from "../../src/saga/index.js";
import type { SenderPeer } from "../../src/testing/index.js";
import { spoken } from "./overheard.js";
import { type Cast, scenario } from "./scenario.js";
import { type Attempt, answersTo, saga } from "./speaker.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

/** What alice keeps at bob's, and nobody at dave's: a diary with a photo in it, of which there is a negative. */
interface Secret {
  readonly diary: Address;
  /** Its frames, oldest first; the photo is linked from the second on. */
  readonly frames: readonly [IbGib, IbGib, IbGib];
  readonly photo: IbGib;
  readonly negative: IbGib;
}

async function aliceKeepsADiary(alice: SenderPeer): Promise<Secret> {
  const negative = sealRecord({ ib: "negative", data: { of: "the lake" } });
  const photo = sealRecord({ ib: "photo", rel8ns: { negative: [negative.address] } });
  await alice.stone("negative", { data: { of: "the lake" } });
  await alice.stone("photo", { rel8ns: { negative: [negative.address] } });
  const diary = await alice.timeline("diary", { data: { text: "dear diary" } });
  await alice.link(diary, "photo", [photo.address]);
  await alice.edit(diary, { text: "dear diary, today" });
  await alice.sync(diary, { at: "bob" });
  const [first, second, third] = await alice.space.frames(diary, 0, 2);
  return { diary, frames: [first!, second!, third!], photo, negative };
}

const everything = ({ frames, photo, negative }: Secret) => [...frames, photo, negative];

function answersOf(attempt: Attempt, who: SenderPeer, at: Cast["bob"]) {
  return answersTo(attempt, who, at, () => spoken.newest!);
}

/** Carol tries it with bob and with dave, who has nothing of alice's: their answers are the same, and these. */
async function expectAlike(
  { carol, bob, dave }: Cast,
  attempt: Attempt,
  answers: readonly unknown[],
): Promise<void> {
  const [withIt, withoutIt] = [await answersOf(attempt, carol, bob), await answersOf(attempt, carol, dave)];
  expect(withIt).toEqual(withoutIt);
  expect(withIt).toEqual(answers);
}

const init = (direction: Direction, ...entries: readonly Root[]) => ({
  type: "init",
  saga,
  direction,
  entries,
});

const isUnknown = 'ack {"entries":[{"status":"unknown"}]}';

const rootOf = (address: Address, { address: tip }: IbGib, n: number): Root => ({ address, tip, n });

const finalOf = (address: Address, { address: tip }: IbGib, n: number) => ({ address, tip, n });

let made = 0;
/** The first frame of a timeline of carol's own. */
const carols = ({ carol }: Cast, rel8ns = {}): IbGib =>
  createTimeline({ ib: "list", owner: carol.address, rel8ns, uuid: `carol's ${made++}` });

/** A push of one's own timeline, as it should be said. */
const pushOf =
  (tjp: Address, tip: IbGib, n: number, records: readonly IbGib[]): Attempt =>
  async ({ say, send }) => {
    await say(init("push", rootOf(tjp, tip, n)));
    await send(records);
    await say({ type: "commit", entries: [finalOf(tjp, tip, n), ownHead(tjp, tip)] });
  };

const ownHead = (tjp: Address, { address }: IbGib) => ({ tjp, frame: address });

const isTaken = expect.stringMatching(/^receipt/);

scenario(
  "without an entry, carol cannot pull alice's diary by its address, nor what is in it (W5, W7) (threat 22)",
  async (cast) => {
    const secret = await aliceKeepsADiary(cast.alice);
    await expect(cast.carol.sync(secret.diary, { direction: "pull" })).rejects.toMatchObject({
      code: "unknown_root",
    });
    for (const { address } of everything(secret)) {
      const pull: Attempt = ({ say }) => say(init("pull", { address }));
      await expectAlike(cast, pull, [isUnknown]);
    }
    const pull: Attempt = ({ say }) => say(init("pull", { address: secret.diary }));
    expect((await answersOf(pull, cast.alice, cast.bob)).at(-1)).toContain(secret.frames[2].address);
  },
);

scenario(
  "without an entry, carol learns nothing by naming tips that she guesses (threat 22)",
  async (cast) => {
    const { diary, frames, photo } = await aliceKeepsADiary(cast.alice);
    const invented = mutate(frames[2], { text: "by carol" });
    const list = carols(cast);
    for (const tip of [...frames, invented]) {
      const commit: Attempt = async ({ say }) => {
        await say(init("both", rootOf(diary, tip, 2)));
        await say({ type: "commit", entries: [finalOf(diary, tip, 2)] });
      };
      await expectAlike(cast, commit, [isUnknown, "error not_closed"]);
      const own: Attempt = ({ say }) => say(init("both", rootOf(list.address, tip, 2)));
      await expectAlike(cast, own, [isUnknown]);
    }
    await expectAlike(cast, pushOf(list.address, list, 0, [list]), [isUnknown, isTaken]);
    for (const address of [photo.address, diary, frames[1].address]) {
      const asIfHers: Attempt = ({ say }) => say(init("push", rootOf(address, list, 0)));
      await expectAlike(cast, asIfHers, [isUnknown]);
    }
  },
);

scenario(
  "without an entry, carol learns nothing from an offer, or from what she asks for (threat 22)",
  async (cast) => {
    const secret = await aliceKeepsADiary(cast.alice);
    const list = carols(cast);
    const offer: Attempt = async ({ say }) => {
      await say(init("push", rootOf(list.address, list, 0)));
      await say({ type: "offer", entries: everything(secret).map(({ address }) => address) });
    };
    await expectAlike(cast, offer, [isUnknown, 'wants {"wants":"1f"}']);

    const ask: Attempt = async ({ say }) => {
      await say(init("both", rootOf(secret.diary, secret.frames[0], 0)));
      await say({ type: "ask", entries: [{ address: secret.diary, locator: [secret.diary] }] });
    };
    await expectAlike(cast, ask, [isUnknown, "error malformed_message"]);

    const later = mutate(list, { text: "later" });
    await expectAlike(cast, pushOf(list.address, later, 1, [list, later]), [isUnknown, isTaken]);
    const askWithOthers: Attempt = async ({ say }) => {
      await say(init("both", rootOf(list.address, mutate(list, { text: "other" }), 1)));
      const locator = [...everything(secret).map(({ address }) => address), list.address];
      await say({ type: "ask", entries: [{ address: list.address, locator }] });
    };
    const answers = [/diverged/, /^payload/, /^evidence/, /^branch/].map((like) =>
      expect.stringMatching(like),
    );
    await expectAlike(cast, askWithOthers, answers);
  },
);

scenario(
  "without an entry, carol cannot link to what she does not have, by any kind of link (W6) (threat 22)",
  async (cast) => {
    const secret = await aliceKeepsADiary(cast.alice);
    const { diary, frames, photo, negative } = secret;
    const tries = everything(secret).flatMap(({ address }) => [
      carols(cast, { item: [address] }),
      relate(carols(cast), { add: { item: [address] } }),
      sealRecord({ ib: "bookmark", rel8ns: { to: [address] } }),
      sealRecord({ ib: "copy", rel8ns: { ancestor: [address] } }),
    ]);
    tries.push(photo, mutate(frames[2], { text: "by carol" }), relate(frames[0], { add: { item: [diary] } }));
    tries.push(
      sealRecord({ ib: "frame", data: { of: "a photo" }, rel8ns: { negative: [negative.address] } }),
    );
    for (const record of tries) {
      const push: Attempt = async ({ say, send }) => {
        await say(init("push", rootOf(record.address, record, 0)));
        await send([record]);
        await say({ type: "commit", entries: [finalOf(record.address, record, 0)] });
      };
      await expectAlike(cast, push, [isUnknown, "error record_missing"]);
    }
  },
);

scenario(
  "without an entry, carol learns nothing by sending what she has a copy of (W5) (threat 22)",
  async (cast) => {
    const { alice } = cast;
    const { diary, frames, photo, negative } = await aliceKeepsADiary(alice);
    const queued = vi.spyOn(CommitQueue.prototype, "enter");
    const edit = mutate(frames[2], { text: "by carol" });
    const proof = await evidenceFor(alice.space, [frames[2].address]);
    expect(proof).not.toEqual([]);
    const isFirstAlone = `receipt {"entries":[${JSON.stringify(finalOf(diary, frames[0], 0))}]}`;

    const sayAndSend = (tip: IbGib, n: number, records: readonly IbGib[], said: object): Attempt => {
      return async ({ say, send }) => {
        await say(init("both", rootOf(diary, tip, n)));
        await send(records);
        await say({ type: "commit", entries: [finalOf(diary, tip, n)], ...said });
      };
    };
    const whole = [frames[0], negative, photo, frames[1], frames[2]];
    const asHers = (to: IbGib, n: number) => ({
      entries: [finalOf(diary, to, n), ownHead(diary, to)],
    });
    await expectAlike(cast, sayAndSend(edit, 3, [...whole, edit], asHers(edit, 3)), [
      isUnknown,
      isFirstAlone,
    ]);
    await expectAlike(cast, sayAndSend(frames[2], 2, whole, asHers(frames[2], 2)), [isUnknown, isFirstAlone]);
    await expectAlike(cast, sayAndSend(frames[2], 2, whole, { evidence: proof }), [isUnknown, isFirstAlone]);
    const older = sayAndSend(frames[1], 1, whole.slice(0, 4), { evidence: proof });
    await expectAlike(cast, older, [isUnknown, isFirstAlone]);
    // She does not even wait for others who change it, and nobody waits for her.
    expect(queued.mock.calls.map(([, timelines]) => timelines)).toEqual(Array.from({ length: 8 }, () => []));
    queued.mockRestore();
    expect((await cast.bob.tip(diary)).address).toBe(frames[2].address);
    expect(await cast.dave.space.tip(diary)).toBeUndefined();

    const again: Attempt = ({ say }) => say(init("both", rootOf(diary, frames[2], 2)));
    await expectAlike(cast, again, [isUnknown]);
    const firstAlone: Attempt = ({ say }) => say(init("both", rootOf(diary, frames[0], 0)));
    await expectAlike(cast, firstAlone, ['ack {"entries":[{"status":"same"}]}']);
  },
);

scenario(
  "without an entry, carol learns nothing from what is said to prove it (AL9) (threat 22)",
  async (cast) => {
    const { carol } = cast;
    const { diary, frames } = await aliceKeepsADiary(cast.alice);
    const list = carols(cast);
    const proof: AttestedFrames = {
      session: frames[2].address,
      saga: "00".repeat(16),
      count: 1,
      signature: "00".repeat(64),
      frames: [...placesOf([ownHead(diary, frames[2])])],
    };
    const evidence = [proof];
    const invent: Attempt = async ({ say, send }) => {
      await say(init("push", rootOf(list.address, list, 0)));
      await send([list]);
      const entries = [finalOf(list.address, list, 0), ownHead(list.address, list)];
      await say({ type: "commit", entries, evidence });
    };
    await expectAlike(cast, invent, [isUnknown, "error proofs_missing"]);

    // A list that she makes herself is one of carol's, and says nothing of what is alice's.
    const own = firstOfList("readers", diary, carol.address);
    const letsIn = changeList(own, [{ do: "share", identity: carol.address, no: 1 }]);
    const alices = firstOfList("readers", diary, cast.alice.address);
    const asAlice = changeList(alices, [{ do: "share", identity: carol.address, no: 1 }]);
    const share =
      (...frames: readonly IbGib[]): Attempt =>
      ({ say }) =>
        say({ ...init("pull", { address: diary }), evidence: frames.map(toText) });
    await expectAlike(cast, share(own, letsIn), [isUnknown]);
    await expectAlike(cast, share(alices, asAlice), ["error list_refused"]);
    const writers = firstOfList("writers", diary, cast.alice.address);
    const byNobody = changeList(writers, [{ do: "share", identity: carol.address, no: 1 }]);
    await expectAlike(cast, share(writers, byNobody), [isUnknown]);
  },
);

scenario(
  "a branch of what one may not read any more stays away, whoever links it (threat 22)",
  async ({ alice, carol, erin, bob }) => {
    const hidden = await alice.timeline("hidden");
    const note = await alice.timeline("note");
    for (const each of [hidden, note]) await alice.share(each, carol, "read");
    await alice.share(hidden, erin, "write");
    await alice.sync([hidden, note]);
    await carol.sync([hidden, note]);
    await erin.sync(hidden);
    await unshare(alice.identity, { timeline: hidden, from: carol.address });
    const branch = await erin.edit(hidden, { secret: "of erin" });
    await alice.edit(hidden, { secret: 1 }, { secret: 2 }, { secret: 3 });
    for (const who of [alice, erin, alice]) await who.sync(hidden);
    expect(await bob.space.frameAt(hidden, 1)).not.toBe(branch.address);
    // She has sent its first frame, and so it is the same on both sides.
    await carol.sync([hidden, note]);
    await alice.link(note, "see", [branch.address]);
    await alice.sync(note);
    await carol.sync([hidden, note]);
    expect(await carol.tip(note)).toEqual(await alice.tip(note));
    expect(await carol.space.get(branch.address)).toBe(undefined);
  },
);

import { expect, vi } from "vitest";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  relate,
  sealRecord,
} from "../../src/ibgib/index.js";
import { listsOf } from "../../src/lists/index.js";
import { saveRecords } from "../../src/peer/index.js";
import { spoken } from "./overheard.js";
import { type Cast, scenario } from "./scenario.js";
import { type Attempt, answersTo, saga } from "./speaker.js";

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const { overhearing } = await import("./overheard.js");
  return overhearing(await importOriginal());
});

let made = 0;

/** A list of carol's own that links `items`. */
function listOf({ carol }: Cast, ...items: readonly Address[]): IbGib {
  const rel8ns = items.length > 0 ? { item: [...items] } : {};
  return createTimeline({ ib: "list", owner: carol.address, rel8ns, uuid: `list ${made++}` });
}

const stone = () => sealRecord({ ib: "stone", data: { made: made++ } });

/** Pushes a timeline of carol's, whose records come with references. */
function push(records: readonly IbGib[], references: readonly Address[]): Attempt {
  const frames = records.filter(({ ib }) => ib === "list");
  const [first, tip] = [frames[0]!, frames.at(-1)!];
  const n = Number((tip.data as { n?: number }).n);
  return async ({ say, send }) => {
    const root = { address: first.address, tip: tip.address, n };
    await say({ type: "init", saga, direction: "push", entries: [root] });
    await send(records, references);
    const head = { tjp: first.address, frame: tip.address };
    await say({ type: "commit", entries: [root, head] });
  };
}

const answersOf = ({ carol, bob }: Cast, attempt: Attempt, at = bob) =>
  answersTo(attempt, carol, at, () => spoken.newest!);

const isTaken = [expect.stringMatching(/^ack/), expect.stringMatching(/^receipt/)];
const isRefused = [expect.stringMatching(/^ack/), "error reference_refused"];

scenario("what stays away is filed for the timeline that links it, and for no other (RF4)", async (cast) => {
  const away = stone().address;
  const list = listOf(cast, away);
  expect(await answersOf(cast, push([list], [away]))).toEqual(isTaken);
  expect(await cast.bob.space.references([list.address])).toEqual([
    { holder: list.address, target: away, by: list.address, isOpen: true },
  ]);
  const later = mutate(list, { text: "later" });
  const { bob } = cast;
  await bob.space.stage("look", cast.carol.address, { holders: [cast.carol.address] }, [later]);
  await bob.space.drop("look");
  const other = listOf(cast, away);
  expect(await answersOf(cast, push([other], []))).toEqual([isTaken[0], "error record_missing"]);
});

scenario("eve learns nothing by naming what others keep private (RF6) (threat 22)", async (cast) => {
  const { alice, carol, bob, dave } = cast;
  const diary = await alice.timeline("diary");
  const photo = await alice.stone("photo", { data: { of: "the lake" } });
  await alice.edit(diary, { text: "dear diary" });
  await alice.link(diary, "photo", [photo]);
  await alice.sync(diary);
  const tip = (await alice.tip(diary)).address;
  for (const target of [diary, photo, tip]) {
    const list = listOf(cast, target);
    const said = push([list], [target]);
    const answers = [await answersOf(cast, said, bob), await answersOf(cast, said, dave)];
    expect(answers[0]).toEqual(isTaken);
    expect(answers[1]).toEqual(answers[0]);
    for (const { space } of [bob, dave])
      expect(await space.references([list.address])).toMatchObject([{ target, isOpen: true }]);
    await expect(carol.sync(target, { direction: "pull" })).rejects.toMatchObject({ code: "unknown_root" });
  }
});

scenario(
  "a reference has to be to what a record of its turn links, and to stay away (RF3) (threat 12)",
  async (cast) => {
    const [one, two] = [stone(), stone()];
    const list = listOf(cast, one.address);
    const later = mutate(list, { text: "later" });
    const back = relate(list, { add: { see: [later.address] } });
    const bad: readonly Attempt[] = [
      push([list], [one.address, two.address]), // nothing links it
      push([list], [one.address, one.address]), // twice
      push([one, list], [one.address]), // it comes
      push([list, later], [one.address, list.address]), // a frame of the chain
      push([list, back], [one.address, later.address]), // a frame of its own timeline
      push([list, one], [one.address]), // it comes behind it
    ];
    for (const attempt of bad) expect(await answersOf(cast, attempt)).toEqual(isRefused);
    expect(await cast.bob.space.tip(list.address)).toBeUndefined();
    const keystone = cast.alice.address;
    const reserved = push([list], [keystone]);
    expect(await answersOf(cast, reserved)).toEqual([isTaken[0], "error reserved_record"]);
  },
);

scenario("nor is it one of a turn that links it no more (RF3)", async (cast) => {
  const one = stone();
  const list = listOf(cast, one.address);
  const attempt: Attempt = async ({ say, send }) => {
    const root = { address: list.address, tip: list.address, n: 0 };
    await say({ type: "init", saga, direction: "push", entries: [root] });
    await send([list], [one.address]);
    await say({ type: "delta" });
    await send([mutate(list, { text: "later" })], [stone().address]);
    await say({ type: "commit", entries: [root] });
  };
  expect(await answersOf(cast, attempt)).toEqual([
    isTaken[0],
    expect.stringMatching(/^staged/),
    isRefused[1],
  ]);
});

/** A list of carol's with a stone, of which bob has only a reference; erin may write the list. */
async function heldBack(cast: Cast) {
  const { carol, erin } = cast;
  const photo = sealRecord({ ib: "photo", data: { of: "the lake" } });
  const list = listOf(cast, photo.address);
  await saveRecords(carol, [photo, list]);
  expect(await answersOf(cast, push([list], [photo.address]))).toEqual(isTaken);
  await carol.share(list.address, erin);
  await carol.sync(listsOf(list.address, carol.address).writers, { direction: "push" }); // the photo stays away
  return { photo, list: list.address, open: { holder: list.address, target: photo.address } };
}

scenario("what is open is told in each saga, with who has put the link (RF8, RF9)", async (cast) => {
  const { carol, erin } = cast;
  const { list, open } = await heldBack(cast);
  for (let times = 0; times < 2; times++) {
    erin.events.splice(0);
    const { references } = await erin.sync(list);
    expect(references).toEqual([{ ...open, maker: carol.address }]);
    expect(erin.events).toContainEqual(
      expect.objectContaining({ kind: "staysAway", direction: "down", ...open }),
    );
  }
});

scenario(
  "who has the target in scope sends it, and it takes the reference's place (RF10, RF11)",
  async (cast) => {
    const { carol, erin, bob } = cast;
    const { photo, list } = await heldBack(cast);
    await erin.sync(list, { direction: "pull" });
    const { totals } = await carol.sync(list);
    expect(totals.up.records).toBe(1);
    expect((await bob.space.get(photo.address))?.address).toBe(photo.address);
    expect(await bob.space.references([list])).toMatchObject([{ isOpen: false }]);
    expect((await carol.sync(list)).totals.up.records).toBe(0);

    expect((await erin.sync(list, { direction: "pull" })).references).toEqual([]);
    expect((await erin.space.get(photo.address))?.address).toBe(photo.address);
  },
);

scenario("a reference stays one on its way through a home that has the record (SC8)", async (cast) => {
  const { carol, erin, dave } = cast;
  const { photo, list, open } = await heldBack(cast);
  await erin.sync(list, { direction: "pull" });
  await saveRecords(erin, [photo]); // for another reason
  await carol.sync(await carol.timeline("other"), { at: "dave" });
  await erin.sync(list, { at: "dave" });
  expect(await dave.space.references([list])).toMatchObject([{ ...open, isOpen: true }]);
  expect(await dave.space.get(photo.address)).toBeUndefined();

  const album = await erin.timeline("album");
  await erin.link(album, "photo", [photo.address]); // and that is a link of hers
  await erin.sync(album, { at: "dave" });
  expect(await dave.space.get(photo.address)).toBeDefined();
  expect(await dave.space.references([list])).toMatchObject([{ ...open, isOpen: true }]);
});

scenario(
  "a stone that is asked for, or named, goes, whoever refers to it in the same saga (RF7, O1) (threat 22)",
  async (cast) => {
    const { carol, erin, dave } = cast;
    const { photo, list } = await heldBack(cast);
    await erin.sync(list, { direction: "pull" });
    await carol.sync(list); // now bob has it for that list
    const other = listOf(cast, photo.address);
    await saveRecords(carol, [other]);
    expect(await answersOf(cast, push([other], [photo.address]))).toEqual(isTaken);
    await carol.share(other.address, erin);
    await carol.sync(listsOf(other.address, carol.address).writers, { direction: "push" });
    await erin.sync([other.address, list], { direction: "pull" });
    expect(await erin.space.get(photo.address)).toBeDefined();

    await carol.sync(await carol.timeline("other"), { at: "dave" });
    await erin.sync([other.address, photo.address], { at: "dave" });
    expect(await dave.space.hasMany([other.address, photo.address])).toEqual([true, true]);
  },
);

scenario("who asks for what a record of its own invents is told nothing (RF6) (threat 22)", async (cast) => {
  const { alice, carol, bob, dave } = cast;
  const photo = await alice.stone("photo", { data: { of: "the lake" } });
  await alice.sync(photo);
  const list = listOf(cast, photo);
  expect(await answersOf(cast, push([list], [photo]))).toEqual(isTaken);
  expect(await answersOf(cast, push([list], [photo]), dave)).toEqual(isTaken);
  const ask: Attempt = ({ say }) =>
    say({ type: "init", saga, direction: "pull", entries: [{ address: photo, by: list.address }] });
  const unknown = ['ack {"entries":[{"status":"unknown"}]}'];
  expect(await answersOf(cast, ask, bob)).toEqual(unknown);
  expect(await answersOf(cast, ask, dave)).toEqual(unknown);
  expect(await carol.space.get(photo)).toBeUndefined();
});

import { afterEach, expect, test } from "vitest";
import { adopt, createSender, leftOut, type Platform, share, whoMay } from "../../src/peer/index.js";
import { createWorld, seededPlatform, type World } from "../../src/testing/index.js";

const hour = 3_600_000;

let world: World;
afterEach(() => world.close());

/** A note that alice shares with carol for an hour, in a world whose clock, but for carol's, can be put forward. */
async function sharedForAnHour(seed: string) {
  let ahead = 0;
  const steady = seededPlatform(seed);
  const clock = { ...steady.clock, now: () => steady.clock.now() + ahead };
  const platform: Platform = { ...steady, clock };
  world = await createWorld({ seed, platform, senders: ["alice", "carol"] });
  const [alice, carol] = [world.senders[0]!, world.senders[1]!];
  const note = await alice.timeline("note", { data: { text: "by alice" } });
  const expires = platform.clock.now() + hour;
  await share(alice.identity, { timeline: note, with: carol.address, access: "write", expires }, platform);
  await alice.sync(note);
  const syncBy = async (hours: number, direction: "pull" | "both") => {
    const { dial, audience } = world;
    const clock = { ...steady.clock, now: () => steady.clock.now() + hours * hour };
    const sender = createSender({ identity: carol.identity, dial, audience, platform: { ...steady, clock } });
    return sender.sync([note], { direction }).finally(() => sender.disconnect());
  };
  return {
    ...{ alice, carol, note },
    /** Carol syncs, by a clock of her own. */
    syncBy,
    later: (hours: number) => {
      ahead = hours * hour;
    },
  };
}

test("an entry counts while the receiver's clock says so, whatever its identity's says (threat 18)", async () => {
  const { carol, note, syncBy } = await sharedForAnHour("not yet");
  await syncBy(1_000, "pull");
  await carol.edit(note, { text: "by carol" });
  await syncBy(1_000, "both");
  expect((await world.receiver.tip(note)).data).toMatchObject({ text: "by carol" });
});

test("and no longer: carol cannot write, and is told nothing any more (AL30)", async () => {
  const { alice, carol, note, syncBy, later } = await sharedForAnHour("over");
  await syncBy(0, "pull");
  const before = await carol.edit(note, { text: "by carol" });
  later(2);
  await alice.edit(note, { title: "by alice" });
  await alice.sync(note);
  await expect(syncBy(0, "pull")).rejects.toMatchObject({ code: "unknown_root" });
  expect((await syncBy(0, "both")).left).toMatchObject([{ address: note, by: carol.address }]);
  expect((await carol.tip(note)).address).toBe(before.address);
  expect((await world.receiver.tip(note)).data).toMatchObject({ title: "by alice", text: "by alice" });
});

test("what was written in time counts for ever (C14)", async () => {
  const { alice, carol, note, syncBy, later } = await sharedForAnHour("in time");
  await syncBy(0, "pull");
  const edit = await carol.edit(note, { text: "by carol" });
  await syncBy(0, "both");
  later(2);
  await alice.sync(note);
  expect((await alice.tip(note)).address).toBe(edit.address);
});

test("once it is over, its owner's home pulls and withdraws: what was made in time is named (AL31)", async () => {
  const { alice, carol, note, syncBy, later } = await sharedForAnHour("withdrawn");
  await syncBy(0, "pull");
  const inTime = await carol.edit(note, { text: "by carol" });
  await syncBy(0, "both");
  later(2);
  await alice.sync(note);
  for (const peer of [alice, world.receiver]) {
    expect((await peer.tip(note)).address).toBe(inTime.address);
    expect(await whoMay(peer.identity, note)).toMatchObject([{ state: "withdrawn" }]);
  }
});

test("what another receiver had taken in time is listed as left out, and can be adopted (AL32)", async () => {
  let ahead = 0;
  const steady = seededPlatform("elsewhere");
  const platform = { ...steady, clock: { ...steady.clock, now: () => steady.clock.now() + ahead } };
  world = await createWorld({
    ...{ seed: "elsewhere", platform, senders: ["alice", "carol"], receivers: ["bob", "dave"] },
  });
  const [[alice, carol], [bob, dave]] = [world.senders, world.receivers];
  const note = await alice!.timeline("note");
  const expires = platform.clock.now() + hour;
  await share(alice!.identity, { timeline: note, with: carol!.address, access: "write", expires }, platform);
  for (const at of ["bob", "dave"]) await alice!.sync(note, { at });
  await carol!.sync(note, { at: "dave" });
  const inTime = await carol!.edit(note, { text: "in time" });
  await carol!.sync(note, { at: "dave" });
  ahead = 2 * hour;
  await alice!.sync(note, { at: "bob" }); // withdraws, and knows nothing of it
  expect((await alice!.sync(note, { at: "dave" })).left).toMatchObject([
    { address: note, reason: "may_not_write", head: inTime.address, by: carol!.address },
  ]);
  const out = [{ timeline: note, frame: inTime.address, by: carol!.address }];
  expect(await leftOut(alice!.identity, note)).toEqual(out);
  await adopt(alice!.identity, { timeline: note, frame: inTime.address }, platform);
  for (const at of ["dave", "bob"]) await alice!.sync(note, { at });
  for (const peer of [alice!, bob!, dave!]) expect((await peer.tip(note)).address).toBe(inTime.address);
});

import { expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { followedAt } from "../lanes.js";
import { createSender, type Identity, openIdentity, type Platform } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, tapDial } from "../../src/testing/index.js";
import { codeOf, delays, expectQuiet, type Lab, openLab, spaceWith } from "./lab.js";
import { newIdentity } from "./parties.js";
import { turnTime } from "../turn-time.js";

/** Calls at once; worlds with random delays, more by KEYSAGA_RUNS. */
const atOnce = 100;
const runs = Number(process.env["KEYSAGA_RUNS"] ?? 5);

/** An identity as `count` processes or tabs of one home have it, each with a signer of its own. */
async function processes(lab: Lab, count: number, space: Space, platform: Platform = lab.platform) {
  const secret = lab.platform.random.bytes(32);
  const first = await newIdentity({ ...lab, platform }, space, secret);
  const others = Array.from({ length: count - 1 }, () => openIdentity({ space, secret, platform }));
  return [first, ...(await Promise.all(others))];
}

/** A connection for each identity, all asked for at once; resolves when they are gone. */
function meet({ world, platform }: Lab, identities: readonly Identity[]): Promise<readonly string[]> {
  const { dial, audience } = world;
  const once = async (identity: Identity) => {
    const sender = createSender({ identity, dial, audience, platform });
    const code = await codeOf(sender.connect());
    await sender.disconnect();
    return code;
  };
  return Promise.all(identities.map(once));
}

/** One lane, with a frame for each of `sessions`, and the identity with nothing but its delegation. */
async function expectOneLane({ world }: Lab, { address }: Identity, sessions: number): Promise<void> {
  const lanes = await world.receiver.space.cells("lane/");
  expect(lanes).toHaveLength(1);
  const lane = lanes[0]!.key.slice("lane/".length) as Address;
  expect(await followedAt(world.receiver.space, lane)).toMatchObject({ n: sessions, unused: [] });
  expect(await world.receiver.space.proofs(address)).toHaveLength(2);
}

test(`of ${atOnce} first meetings at once, by one process, each gets through over one lane`, async () => {
  const lab = await openLab("a hundred meetings");
  const { identity } = lab.world.senders[0]!;
  const codes = await meet(lab, Array<Identity>(atOnce).fill(identity));
  expect(codes).toEqual(Array(atOnce).fill("none"));
  await expectOneLane(lab, identity, atOnce);
  await expectQuiet(lab);
  await lab.world.close();
});

test(`of ${atOnce} first meetings at once, by eight processes of one home, each gets through over one lane (threat 5)`, async () => {
  const lab = await openLab("meetings of eight");
  const identities = await processes(lab, 8, new InnerSpace());
  const callers = Array.from({ length: atOnce }, (_, i) => identities[i % 8]!);
  expect(await meet(lab, callers)).toEqual(Array(atOnce).fill("none"));
  await expectOneLane(lab, identities[0]!, atOnce);
  await expectQuiet(lab);
  await lab.world.close();
});

test("and so with random delays around every call of the store", async () => {
  for (let run = 0; run < runs; run++) {
    const lab = await openLab(`delayed meetings ${run}`);
    const wait = delays(`delays ${run}`, 3);
    const identities = await processes(lab, 3, spaceWith(new InnerSpace(), { before: wait, after: wait }));
    const callers = [...identities, ...identities];
    expect(await meet(lab, callers), `run ${run}`).toEqual(callers.map(() => "none"));
    await expectOneLane(lab, identities[0]!, callers.length);
    await lab.world.close();
  }
});

test("calls that start together bring all of it over, each on a first connection", async () => {
  const lab = await openLab("syncs that meet");
  const alice = lab.world.senders[0]!;
  const { dial, audience } = lab.world;
  const senders = Array.from({ length: 5 }, () => createSender({ identity: alice.identity, dial, audience }));
  const notes = await Promise.all(senders.map((_, i) => alice.timeline(`note ${i}`)));
  await Promise.all(senders.map((sender, i) => sender.sync([notes[i]!])));
  await Promise.all(senders.map((sender) => sender.disconnect()));
  expect(await lab.world.receiver.space.hasMany(notes)).toEqual(notes.map(() => true));
  await expectOneLane(lab, alice.identity, senders.length);
  await lab.world.close();
});

test("a receiver that does not answer holds up nobody for longer than a handshake may take", async () => {
  const lab = await openLab("a silent receiver", { time: turnTime(1) });
  const { world, platform } = lab;
  const { identity } = world.senders[0]!;
  const silent = tapDial(world.dial, ({ message }) => (String(message).includes('"hello"') ? [] : [message]));
  const base = { identity, audience: world.audience, platform, limits: { handshakeTimeoutMs: 5_000 } };
  const stuck = createSender({ ...base, dial: silent.dial });
  const hangs = createSender({ ...base, dial: () => new Promise(() => undefined) });
  const good = createSender({ ...base, dial: world.dial });
  const outcomes = [stuck, hangs, good].map((sender) => codeOf(sender.connect()));
  expect(await outcomes[2]).toBe("none");
  expect(await outcomes[0]).toBe("handshake_timeout");
  void hangs.disconnect();
  await Promise.all([stuck.disconnect(), good.disconnect()]);
  await world.close();
});

test("a call that is cancelled while it waits for its handshake has left the queue", async () => {
  const lab = await openLab("cancelled meetings");
  const { world, platform } = lab;
  const { identity } = world.senders[0]!;
  let dials = 0;
  let goOn: () => void = () => undefined;
  const open = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const dial: typeof world.dial = async (signal) => {
    dials++;
    await open;
    return world.dial(signal);
  };
  const senders = [0, 1, 2].map(() => createSender({ identity, dial, audience: world.audience, platform }));
  const cancel = new AbortController();
  const outcomes = senders.map((sender, i) =>
    codeOf(sender.connect(i === 1 ? { signal: cancel.signal } : {})),
  );
  cancel.abort();
  expect(await outcomes[1]).toBe("aborted");
  goOn();
  expect(await Promise.all(outcomes)).toEqual(["none", "aborted", "none"]);
  expect(dials).toBe(2);
  await Promise.all(senders.map((sender) => sender.disconnect()));
  await expectQuiet(lab);
  await world.close();
});

test("who has met the receiver shows it only the frame that vouches", async () => {
  const world = await createWorld({ seed: "met before" });
  const [alice] = world.senders;
  const tap = tapDial(world.dial);
  const sender = createSender({ identity: alice!.identity, dial: tap.dial, audience: world.audience });
  const shown: number[][] = [];
  for (let meeting = 0; meeting < 3; meeting++) {
    await sender.connect();
    await sender.disconnect();
    const said = tap.said.flatMap(({ message }) =>
      typeof message === "string" ? [JSON.parse(message)] : [],
    );
    const { identityFrames, laneFrames } = said.findLast(({ type }) => type === "connect");
    shown.push([identityFrames.length, laneFrames.length]);
  }
  // I's genesis and its delegation, L's genesis; then nothing beside the lane frame in the proof.
  expect(shown).toEqual([
    [2, 1],
    [0, 0],
    [0, 0],
  ]);
  await world.close();
});

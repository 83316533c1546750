import { afterEach, describe, expect, test, vi } from "vitest";
import { utf8 } from "../../src/base/index.js";
import { gibOf, sealRecord, toText } from "../../src/ibgib/index.js";
import { type CellValue, cellKinds } from "../../src/peer/home/cells.js";
import { type Filing, joinFilings } from "../../src/peer/home/filing.js";
import { newestFrame } from "../../src/peer/home/identity.js";
import { startSenderSession } from "../../src/keystone/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { attestationOf, evidenceFor, keepMade, proofsFor } from "../../src/peer/rights/attestations.js";
import { partsGroup, shownChanges } from "../../src/peer/rights/proof-parts.js";
import { Conversation } from "../../src/peer/session/conversation.js";
import { Waits } from "../../src/peer/session/waits.js";
import {
  type CommitEntry,
  checkAttested,
  type Evidence,
  readPayload,
  sagaLimits,
  signMade,
  TurnFromReceiver,
  TurnFromSender,
} from "../../src/saga/index.js";
import type { TurnDraft } from "../../src/saga/turn.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { createWorld, type Peer, type SenderPeer, type World } from "../../src/testing/index.js";
import { tampered } from "../keystone/keystones.js";
import { newNotes, Person, Session, vouch } from "../saga/commits.js";
import { newDirectory } from "../space/homes.js";
import {
  entriesOf,
  evidenceOf,
  framesOf,
  listOf,
  nobody,
  problemsOf,
  put,
  sessionOf,
  take,
} from "./evidence.js";
import { codeOf, contentsOf } from "./lab.js";

/** The newest conversation of each side. */
const conversations = vi.hoisted(() => new Map<string, Conversation>());

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/session/conversation.js")>();
  class Overheard extends original.Conversation {
    constructor(...args: ConstructorParameters<typeof Conversation>) {
      super(...args);
      conversations.set(args[1], this);
    }
  }
  return { ...original, Conversation: Overheard };
});

const worlds: World[] = [];
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()));
});

async function newWorld(seed: string) {
  const world = await createWorld({ seed, senders: ["alice", "carol"] });
  worlds.push(world);
  const [alice, carol] = world.senders;
  return { world, alice: alice!, carol: carol!, bob: world.receiver };
}

/** What each side of a session has to keep of a commit. */
interface Sides {
  readonly sender: () => Promise<Filing>;
  readonly receiver: () => Promise<Filing>;
}

/** A session of `sender` with `receiver`, whose turns are said here: the two machines do not know of them. */
async function meet(sender: SenderPeer, receiver: Peer) {
  await sender.sender.connect();
  const [ours, theirs] = [conversations.get("sender"), conversations.get("receiver")];
  const established = ours!.established;
  let sagas = 0;

  const say = (draft: TurnDraft) => {
    const { ahead, turn } = ours!.sign(draft);
    for (const frame of ahead) theirs!.hearPayload(frame);
    return theirs!.hear(turn, TurnFromSender);
  };
  const answer = (draft: TurnDraft) => ours!.hear(theirs!.sign(draft).turn, TurnFromReceiver);

  /** A saga up to its commit; then each side may keep its frames, as often as it takes. */
  function commit(entries: readonly CommitEntry[]): Sides {
    const saga = (++sagas).toString(16).padStart(32, "0");
    const root = { address: sender.address };
    say({ type: "init", saga, direction: "push", entries: [root] });
    answer({ type: "ack", entries: [{ status: "unknown" }] });
    const { message } = say({ type: "commit", entries });
    answer({ type: "receipt", time: 0, entries: [] });
    const made = entries.filter((entry) => "frame" in entry);
    const signature = "attested" in message ? message.attested : undefined;
    const keep = async (peer: Peer, of: Parameters<typeof keepMade>[0]) => {
      if (signature === undefined) return joinFilings([]);
      const filing = await keepMade(of, { session: established.session, saga, signature }, made);
      await put(peer.space, filing);
      return filing;
    };
    return {
      sender: async () =>
        keep(sender, {
          space: sender.space,
          established,
          ownFrames: await newestFrame(sender.identity),
        }),
      receiver: () =>
        keep(receiver, { space: receiver.space, established: theirs!.established, ownFrames: [] }),
    };
  }

  return { established, commit, end: () => sender.sender.disconnect() };
}

/** What evidence there is, in an order that compares. */
const sorted = (evidence: readonly Evidence[]) => evidence.map((item) => JSON.stringify(item)).sort();

describe("a frame that alice commits to bob", () => {
  test("is attested on both sides, by the same evidence (A1)", async () => {
    const { alice, bob } = await newWorld("both sides");
    const { commit, established } = await meet(alice, bob);
    const entries = entriesOf(3);
    const sides = commit(listOf(entries));
    const kept = [await sides.sender(), await sides.receiver()];

    const { lane, session } = established;
    const attester = { identity: alice.address, lane, session };
    const [ours, theirs] = await Promise.all(
      [alice, bob].map(({ space }) => evidenceFor(space, framesOf(entries))),
    );
    expect(sorted(ours!)).toEqual(sorted(theirs!));
    expect(checkAttested(ours!)).toEqual(entries.map((entry) => ({ ...entry, ...attester })));
    const saga = "1".padStart(32, "0");
    const { frame } = entries[1]!;
    expect(await attestationOf(bob.space, frame)).toEqual({ ...attester, frame, saga });
    // L0 and S0, and at the home of the identity its newest frame; the voucher with its index, the list, the frames,
    // and with the identity's frame its row and the lane that it delegates.
    expect(kept.map(({ proofs }) => proofs.length)).toEqual([2 + 1, 2]);
    expect(kept.map(({ cells }) => cells.length)).toEqual([2 + 1 + 3 + 2, 2 + 1 + 3]);
    for (const { space } of [alice, bob]) expect(await problemsOf(space)).toEqual([]);
  });

  test("is proved to carol, who passes it on to dave: each keeps the first there is", async () => {
    const { alice, bob, carol } = await newWorld("sent on");
    const entries = entriesOf(2);
    const frames = framesOf(entries);
    const first = (await meet(alice, bob)).commit(listOf(entries));
    await first.sender();
    await first.receiver();

    const kept = await take(carol.space, await evidenceFor(bob.space, frames));
    expect([...kept.attesters]).toEqual(frames.map((frame) => [frame, alice.address]));
    const passedOn = await evidenceFor(carol.space, frames);
    expect(sorted(passedOn)).toEqual(sorted(await evidenceFor(bob.space, frames)));
    const dave = new InnerSpace();
    await take(dave, passedOn);

    // Carol commits the same frames to bob later, and somebody else claims them too: alice was first.
    const carols = (await meet(carol, bob)).commit(listOf(entries));
    expect(await carols.receiver()).toEqual({ proofs: [], cells: [] });
    await take(dave, evidenceOf(new Person("eve"), entries));
    expect((await attestationOf(dave, frames[0]!))?.identity).toBe(alice.address);
    expect(sorted(await evidenceFor(dave, frames))).toEqual(sorted(passedOn));
    for (const space of [carol.space, dave]) expect(await problemsOf(space)).toEqual([]);
  });
});

describe("what proofs share is kept once", () => {
  const sizes = ({ proofs, cells }: Filing) => ({ proofs: proofs.length, cells: cells.length });

  test("for all frames of a commit", async () => {
    const { alice, bob } = await newWorld("many frames");
    const { commit } = await meet(alice, bob);
    const entries = entriesOf(100);
    const { receiver } = commit(listOf(entries));
    expect(sizes(await receiver())).toEqual({ proofs: 2, cells: 2 + 1 + 100 });
    // Two of the identity, the lane, the session, its voucher; of the list as many items as it takes.
    expect(await evidenceFor(bob.space, framesOf(entries))).toHaveLength(2 + 1 + 1 + 1 + 2);
  });

  test("for all sagas of a session, those in between that added no frame included", async () => {
    const { alice, bob } = await newWorld("sagas");
    const { commit } = await meet(alice, bob);
    const entries = entriesOf(3);
    const keep = async (list: readonly CommitEntry[]) => {
      const sides = commit(list);
      await sides.sender();
      return sizes(await sides.receiver());
    };
    expect(await keep(entries.slice(0, 1))).toEqual({ proofs: 2, cells: 2 + 1 + 1 });
    expect(await keep(entries.slice(1, 2))).toEqual({ proofs: 0, cells: 1 + 1 });
    expect(await keep([])).toEqual({ proofs: 0, cells: 0 });
    expect(await keep(entries)).toEqual({ proofs: 0, cells: 1 + 1 });
    for (const { space } of [alice, bob]) {
      expect(checkAttested(await evidenceFor(space, framesOf(entries)))).toHaveLength(3);
      expect(await problemsOf(space)).toEqual([]);
    }
  });

  test("for all sessions of a lane, whichever of them commits first", async () => {
    const { alice, bob } = await newWorld("sessions");
    const entries = entriesOf(2);
    const older = await meet(alice, bob);
    const olders = older.commit(entries.slice(0, 1));
    await older.end();
    const newer = await meet(alice, bob);
    const newers = newer.commit(entries.slice(1));
    expect(sizes(await newers.receiver())).toEqual({ proofs: 2, cells: 2 + 1 + 1 });
    expect(sizes(await olders.receiver())).toEqual({ proofs: 1, cells: 2 + 1 + 1 });
    const sessions = checkAttested(await evidenceFor(bob.space, framesOf(entries))).map(
      (each) => each.session,
    );
    expect(sessions).toEqual([older, newer].map(({ established }) => established.session));
    expect(await problemsOf(bob.space)).toEqual([]);
  });

  test("and does not grow with sagas and connections that change nothing", async () => {
    const { alice, bob } = await newWorld("grown");
    const sizeOf = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        const { commit, end } = await meet(alice, bob);
        commit([]);
        await end();
      }
      const { commit, end } = await meet(alice, bob);
      const filing = await commit([newNotes(new Person("alice"), `note ${rounds}`).entry]).receiver();
      await end();
      const cells = filing.cells.map(({ key, to }) => key.length + (to?.length ?? 0));
      const records = filing.proofs.map(({ record }) => record.bytes.length);
      return [...cells, ...records].reduce((sum, bytes) => sum + bytes, 0);
    };
    const first = await sizeOf(0);
    expect(first).toBeLessThan(6000);
    expect(await sizeOf(9)).toBeLessThan(first); // the lane is there
  });

  test("and outlives the session's transcript (K6, K8)", async () => {
    const { alice, bob } = await newWorld("retention");
    const { commit, established } = await meet(alice, bob);
    const entries = entriesOf(1);
    await commit(entries).receiver();
    const before = await evidenceFor(bob.space, framesOf(entries));
    await bob.space.commit({
      ...nobody,
      dropProofGroups: [established.session, established.receiverSession],
    });
    expect(await bob.space.proofs(established.session)).toEqual([]);
    expect(await evidenceFor(bob.space, framesOf(entries))).toEqual(before);
    expect(await problemsOf(bob.space)).toEqual([]);
  });

  test("and is shown once to the other side of a lane (A6)", async () => {
    const dave = new InnerSpace();
    const alice = new Person("alice");
    const entries = entriesOf(3);
    const { session } = sessionOf(alice);
    const [first, second] = [entries.slice(0, 1), entries.slice(1)].map((some) => session.commit(some));
    await take(dave, [...session.parts, first!]);
    await take(dave, [second!]);
    const to = { lane: new Person("carol").laneTo(alice).address, identity: new Person("carol").address };
    const showing = await proofsFor(dave, framesOf(entries.slice(0, 1)), to);
    expect(sorted(showing.evidence)).toEqual(sorted([...session.parts, first!]));
    expect(await proofsFor(dave, framesOf(entries.slice(0, 1)), to)).toEqual(showing); // not remembered yet
    await put(dave, { proofs: [], cells: await shownChanges(dave, to.lane, showing.shown) });
    expect((await proofsFor(dave, framesOf(entries.slice(1)), to)).evidence).toEqual([second]);
    expect(await shownChanges(dave, to.lane, showing.shown)).toEqual([]);
    const other = { ...to, lane: new Person("erin").laneTo(alice).address };
    expect((await proofsFor(dave, framesOf(entries.slice(1)), other)).evidence).toHaveLength(6);
    // Whose frames they are is shown its lane and session, and not its own identity.
    const own = { lane: other.lane, identity: alice.address };
    expect((await proofsFor(dave, framesOf(entries.slice(1)), own)).evidence).toHaveLength(4);
  });
});

describe("evidence", () => {
  test("is not taken where it does not hold, and nothing of it is kept", async () => {
    const dave = new InnerSpace();
    const evidence = evidenceOf(new Person("alice"), entriesOf(1));
    expect(await codeOf(take(dave, evidence.slice(1)))).toBe("proofs_missing");
    expect(await contentsOf(dave)).toEqual({ graph: [], proofs: [] });
  });

  test("that names nobody where it should name an identity is refused, before anything is looked up by it", async () => {
    const space = await openLmdbSpace({ path: newDirectory() });
    const nobody = "nobody".repeat(1_000);
    for (const [ib, member] of [
      ["keystone.lane", "delegator"],
      ["keystone.session", "lane"],
      ["keystone.session", "receiver"],
    ] as const) {
      const genesis = sealRecord({ ib, data: { isTjp: true, details: { [member]: nobody } } });
      expect(await codeOf(take(space, [toText(genesis)]))).toBe("attestation_refused");
    }
    await space.close();
  });

  test("is kept in parts: frames of one list that come one after the other are one row", async () => {
    const dave = new InnerSpace();
    const entries = entriesOf(3);
    const { session } = sessionOf(new Person("alice"));
    const list = session.commit(entries);
    const part = (at: number) => ({ ...list, frames: [list.frames[at]!] });
    await take(dave, [...session.parts, part(2)]);
    await take(dave, [part(0)]);
    expect(checkAttested(await evidenceFor(dave, framesOf(entries)))).toHaveLength(2);
    await take(dave, [part(1)]);
    expect(await evidenceFor(dave, framesOf(entries))).toContainEqual(list);
    expect(await dave.cells(cellKinds.list.prefix)).toHaveLength(1);
    expect(await problemsOf(dave)).toEqual([]);
  });

  test("goes as far as the identity is known where it is shown, so that what it says later spreads (A4)", async () => {
    const dave = new InnerSpace();
    const alice = new Person("alice");
    const { session } = sessionOf(alice);
    const [entry, later] = entriesOf(2);
    await take(dave, [...session.parts, session.commit([entry!])]);
    const other = sessionOf(alice, "carol");
    await take(dave, [...other.session.parts, other.session.commit([later!])]);
    const shown = await evidenceFor(dave, [entry!.frame]);
    expect(shown).toContainEqual(toText(alice.identity.frames.at(-1)!));
    expect(checkAttested(shown)).toHaveLength(1);
  });

  test("with two vouchers of a lane for one number counts, and keeps new sessions out (threat 13)", async () => {
    const dave = new InnerSpace();
    const entries = entriesOf(2);
    const alice = new Person("alice");
    const { session, lane, receiver } = sessionOf(alice);
    await take(dave, [...session.parts, session.commit(entries.slice(0, 1))]);
    const copy = new Person("alice");
    const twin = new Session(copy, receiver, copy.laneTo(receiver), { name: "twin" });
    expect(twin.voucher.n).toBe(session.voucher.n);
    expect(twin.lane.address).toBe(lane.address);
    await take(dave, [...twin.parts, twin.commit(entries.slice(1))]);
    expect(checkAttested(await evidenceFor(dave, framesOf(entries)))).toHaveLength(2);
    const fork = JSON.parse(new TextDecoder().decode(await dave.cell(`fork/${gibOf(lane.address)}`)));
    expect(fork).toEqual({ n: 1, sessions: [session.s.address, twin.s.address] });
    expect(await problemsOf(dave)).toEqual([]);

    const { alice: home, bob } = await newWorld("forked");
    const { established, end } = await meet(home, bob);
    await end();
    const key = `fork/${gibOf(established.lane)}`;
    const to = utf8(JSON.stringify(fork));
    await put(bob.space, { proofs: [], cells: [{ key, from: undefined, to }] });
    expect(await codeOf(home.sender.connect())).toBe("auth_fail");
    expect(bob.events.at(-1)).toMatchObject({ kind: "closed", error: { code: "duplicity" } });
  });

  test("with a second session of a lane that has the first one's attest key counts, so that it stops nobody (threat 22)", async () => {
    const dave = new InnerSpace();
    const [entry, later] = entriesOf(2);
    const { session, lane, receiver } = sessionOf(new Person("alice"));
    await take(dave, [...session.parts, session.commit([entry!])]);
    const list = session.commit([later!]);
    const { s } = session;
    // The same keys, for another audience.
    const twin = tampered(s.genesis, ({ data }) => (data.details.audience = "wss://elsewhere"));
    lane.add({ verb: "vouch", target: twin.address, scope: receiver.address });
    const { keystone } = startSenderSession(twin);
    const saga = "9".repeat(32);
    const { signature } = signMade(keystone, saga, [later!], s.secretFor);
    const shown = { ...list, session: twin.address, saga, signature };
    const voucher = vouch(lane, twin.address, receiver);
    await take(dave, [toText(twin), toText(lane.genesis), voucher, shown]);
    const sessions = checkAttested(await evidenceFor(dave, framesOf([entry!, later!])));
    expect(sessions.map((each) => each.session)).toEqual([s.address, twin.address]);
    await take(dave, [list]);
    expect(await problemsOf(dave)).toEqual([]);
  });

  test("is none for a frame that is not attested", async () => {
    expect(await evidenceFor(new InnerSpace(), framesOf(entriesOf(2)))).toEqual([]);
  });

  test("travels in frames within the limits, and counts as bytes", async () => {
    const { alice, bob } = await newWorld("in frames");
    const { established } = await meet(alice, bob);
    const link = { say: () => "", sayPayload: async () => undefined };
    const waits = new Waits(systemPlatform.timers, () => {});
    const conversation = new Conversation(established, "sender", link, () => {}, waits);
    const evidence = evidenceOf(new Person("alice"), entriesOf(300));
    const { ahead: frames } = conversation.sign({
      type: "init",
      saga: "00".repeat(16),
      direction: "push",
      evidence,
    });
    expect(frames.length).toBeGreaterThan(2);
    expect(frames.flatMap((frame) => readPayload(frame).evidence)).toEqual(evidence);
    for (const { length } of frames) expect(length).toBeLessThan(sagaLimits.payloadBytesMax);
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    expect(conversation.dialogue.voices.sender.totals).toMatchObject({ records: 0, bytes });
  });
});

describe("verifying a space finds", () => {
  const entries = entriesOf(2);

  async function attested() {
    const space = new InnerSpace();
    const alice = new Person("alice");
    const { session, lane } = sessionOf(alice);
    const list = session.commit(entries);
    await take(space, [...session.parts, list]);
    return { space, alice, session, lane };
  }

  async function change(space: Space, prefix: string, alter: (value: CellValue<"list">) => unknown) {
    const [cell] = await space.cells(prefix);
    const to = alter(JSON.parse(new TextDecoder().decode(cell!.value)));
    const cells = [{ key: cell!.key, from: cell!.value, to: to && utf8(JSON.stringify(to)) }];
    expect((await space.commit({ ...nobody, cells: cells as never })).kind).toBe("committed");
  }

  const rules = async (space: Space) => (await problemsOf(space)).map(({ rule }) => rule);

  test("parts that are gone", async () => {
    const { space, lane } = await attested();
    await space.commit({ ...nobody, dropProofGroups: [partsGroup(lane.address)] });
    expect(new Set(await rules(space))).toEqual(new Set(["not_vouched", "not_attested", "link_missing"]));
  });

  test("an identity that is gone", async () => {
    const { space, alice } = await attested();
    await space.commit({ ...nobody, dropProofGroups: [alice.address] });
    expect(await rules(space)).toContain("link_missing");
  });

  test("a voucher that is gone, or another's", async () => {
    const { space } = await attested();
    await change(space, "voucher/", (voucher) => ({ ...voucher, signature: "00".repeat(64) }));
    expect(await rules(space)).toEqual(["not_vouched"]);
    await change(space, "voucher/", () => undefined);
    expect(new Set(await rules(space))).toEqual(new Set(["not_vouched", "not_attested"]));
  });

  test("a list that the session has not signed", async () => {
    const { space } = await attested();
    await change(space, "list/", (list) => ({ ...list, all: [...list.all!].reverse() }));
    expect(await problemsOf(space)).toMatchObject([
      { rule: "not_attested", detail: "attestation_refused: signature of the session" },
    ]);
    await change(space, "list/", (list) => ({ ...list, all: list.all!.slice(1) }));
    expect(await rules(space)).toContain("not_attested");
  });

  test("a frame that is said to be another's, or is in no list", async () => {
    const { space } = await attested();
    const by = new Person("eve").address;
    await change(space, "attested/", (attested) => ({ ...attested, by }));
    expect(await problemsOf(space)).toMatchObject([{ rule: "not_attested", detail: "signed by another" }]);
    await change(space, "attested/", (attested) => ({ ...attested, list: "0" }));
    expect(await problemsOf(space)).toMatchObject([{ rule: "not_attested", detail: "not in its list" }]);
  });
});

import { afterEach, describe, expect, test, vi } from "vitest";
import { utf8 } from "../../src/base/index.js";
import { type Address, gibOf, type IbGib, toText } from "../../src/ibgib/index.js";
import { verifySpace } from "../../src/index.js";
import { cellKinds, newCell } from "../../src/peer/home/cells.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { systemPlatform } from "../../src/peer/index.js";
import {
  attestationOf,
  checkHeads,
  evidenceFor,
  fileHeads,
  keepOwn,
} from "../../src/peer/rights/attestations.js";
import {
  evidenceGroup,
  type Filing,
  framesOfSigner,
  framesOfSpace,
} from "../../src/peer/rights/evidence-files.js";
import { Conversation } from "../../src/peer/session/conversation.js";
import { Waits } from "../../src/peer/session/waits.js";
import {
  attestHeads,
  type CommitEntry,
  checkAttested,
  type Evidence,
  type HeadEntry,
  readEvidence,
  readPayload,
  sagaLimits,
  TurnFromReceiver,
  TurnFromSender,
} from "../../src/saga/index.js";
import type { TurnDraft } from "../../src/saga/turn.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type Peer, type SenderPeer, type World } from "../../src/testing/index.js";
import { signsTwice } from "../one-time/ledger.js";
import { Chain, newNotes, Person, Session, tipOf } from "../saga/commits.js";
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

  /** A saga up to its commit; then each side may keep its heads, as often as it takes. */
  function commit(entries: readonly CommitEntry[]): Sides {
    const saga = (++sagas).toString(16).padStart(32, "0");
    const root = { address: sender.address };
    say({ type: "init", saga, direction: "push", entries: [root] });
    answer({ type: "ack", entries: [{ status: "unknown" }] });
    say({ type: "commit", entries });
    const heard = theirs!.takeProofs();
    answer({ type: "receipt", time: 0, entries: [] });
    const said = [...established.proofs, ...ours!.takeProofs()];
    const keep = async (peer: Peer, of: Parameters<typeof keepOwn>[0]) => {
      const filing = await keepOwn(of, entries);
      await put(peer.space, { cells: filing.cells, proofs: [...of.proofs, ...filing.proofs] });
      return filing;
    };
    return {
      sender: () =>
        keep(sender, {
          space: sender.space,
          established,
          newest: framesOfSigner(internalsOf(sender.identity).signer),
          proofs: said,
        }),
      receiver: () =>
        keep(receiver, {
          space: receiver.space,
          established: theirs!.established,
          newest: framesOfSpace(receiver.space),
          proofs: heard,
        }),
    };
  }

  return { established, commit, end: () => sender.sender.disconnect() };
}

async function put(space: Space, filing: Filing): Promise<void> {
  expect((await space.commit({ ...nobody, ...filing })).kind).toBe("committed");
}

const nobody = { holder: "nobody^gib" as Address, sight: { holders: [] } };

/** Checks evidence that came, and what a commit takes to keep it. */
async function keepAttested(
  space: Space,
  ...shown: Parameters<typeof checkHeads> extends [unknown, ...infer Shown] ? Shown : never
) {
  const checked = await checkHeads(space, ...shown);
  return { ...(await fileHeads(space, checked)), attesters: checked.attesters };
}

/** Takes in evidence as it came, frame by frame. */
async function take(space: Space, evidence: readonly Evidence[]) {
  const { heads, records } = readEvidence(evidence);
  const kept = await keepAttested(space, heads, records);
  await put(space, kept);
  return kept;
}

const entriesOf = (count: number): HeadEntry[] =>
  Array.from({ length: count }, (_, at) => newNotes(new Person("alice"), `note ${at}`).entry);
const headsOf = (entries: readonly HeadEntry[]) => entries.map(({ head }) => head);
const listOf = (entries: readonly HeadEntry[]) => [...entries.map(tipOf), ...entries];

/** What shows that somebody with right keystones committed these entries as theirs, to one receiver or another. */
function evidenceOf(person: Person, entries: readonly HeadEntry[], to = "receiver"): Evidence[] {
  const receiver = new Person(to);
  const lane = person.laneTo(receiver);
  const session = new Session(person, receiver, lane);
  const context = session.commit(listOf(entries));
  const records = [...person.identity.frames, ...lane.frames, ...session.s.frames, context];
  return [...records.map(toText), ...attestHeads(listOf(entries), context.address)];
}

/** What evidence there is, in an order that compares. */
const sorted = (evidence: readonly Evidence[]) => evidence.map((item) => JSON.stringify(item)).sort();

async function problemsOf(space: Space) {
  const found = [];
  for await (const each of verifySpace(space)) if (each.kind === "problem") found.push(each.problem);
  return found;
}

describe("a head that alice commits to bob", () => {
  test("is attested on both sides, by the same evidence", async () => {
    const { alice, bob } = await newWorld("both sides");
    const { commit, established } = await meet(alice, bob);
    const entries = entriesOf(3);
    const sides = commit(listOf(entries));
    const kept = [await sides.sender(), await sides.receiver()];

    const { lane, session } = established;
    const attester = { identity: alice.address, lane, session };
    const [ours, theirs] = await Promise.all(
      [alice, bob].map(({ space }) => evidenceFor(space, headsOf(entries))),
    );
    expect(sorted(ours!)).toEqual(sorted(theirs!));
    const { heads, records } = readEvidence(ours!);
    expect(checkAttested(heads, records)).toEqual([attester, attester, attester]);
    expect(await attestationOf(bob.space, entries[1]!.head)).toEqual({ ...attester, head: heads[1] });
    // S0 to S3, one context, the lane and the identity: once, however many heads.
    for (const { proofs, cells } of kept)
      expect([proofs.length, cells.length]).toEqual([4 + 1 + 2 + 2, 3 + 3]);
    for (const { space } of [alice, bob]) expect(await problemsOf(space)).toEqual([]);
  });

  test("is proved to carol, who passes it on to dave: each keeps the first there is", async () => {
    const { alice, bob, carol } = await newWorld("sent on");
    const entries = entriesOf(2);
    const heads = headsOf(entries);
    const first = (await meet(alice, bob)).commit(listOf(entries));
    await first.sender();
    await first.receiver();

    const kept = await take(carol.space, await evidenceFor(bob.space, heads));
    expect([...kept.attesters]).toEqual(heads.map((head) => [head, alice.address]));
    const passedOn = await evidenceFor(carol.space, heads);
    expect(sorted(passedOn)).toEqual(sorted(await evidenceFor(bob.space, heads)));
    const dave = new InnerSpace();
    await take(dave, passedOn);

    // Carol commits the same heads to bob later, and somebody else claims them too: alice was first.
    const carols = (await meet(carol, bob)).commit(listOf(entries));
    expect(await carols.receiver()).toEqual({ proofs: [], cells: [] });
    const late = await take(dave, evidenceOf(new Person("eve"), entries));
    expect(late.attesters.get(heads[0]!)).toBe(alice.address);
    expect((await attestationOf(dave, heads[0]!))?.identity).toBe(alice.address);
    expect(sorted(await evidenceFor(dave, heads))).toEqual(sorted(passedOn));
    for (const space of [carol.space, dave]) expect(await problemsOf(space)).toEqual([]);
  });
});

describe("what heads rest on is filed once", () => {
  const sizes = ({ proofs, cells }: Filing) => ({ proofs: proofs.length, cells: cells.length });

  test("for all heads of a commit", async () => {
    const { alice, bob } = await newWorld("many heads");
    const { commit } = await meet(alice, bob);
    const entries = entriesOf(100);
    const { sender, receiver } = commit(listOf(entries));
    for (const filing of [await sender(), await receiver()])
      expect(sizes(filing)).toEqual({ proofs: 4 + 1 + 2 + 2, cells: 3 + 100 });
    const evidence = await evidenceFor(bob.space, headsOf(entries));
    expect(evidence).toHaveLength(4 + 1 + 2 + 2 + 100);
  });

  test("for all sagas of a session, those in between that added no head included", async () => {
    const { alice, bob } = await newWorld("sagas");
    const { commit } = await meet(alice, bob);
    const entries = entriesOf(3);
    const keep = async (list: readonly CommitEntry[]) => {
      const sides = commit(list);
      const [ours, theirs] = [sizes(await sides.sender()), sizes(await sides.receiver())];
      expect(ours).toEqual(theirs);
      return ours;
    };
    expect(await keep(entries.slice(0, 1))).toEqual({ proofs: 4 + 1 + 2 + 2, cells: 3 + 1 });
    expect(await keep(entries.slice(1, 2))).toEqual({ proofs: 2 + 1, cells: 1 + 1 });
    expect(await keep([])).toEqual({ proofs: 0, cells: 0 });
    expect(await keep(entries)).toEqual({ proofs: 4 + 1, cells: 1 + 1 });
    for (const { space } of [alice, bob]) {
      const { heads, records } = readEvidence(await evidenceFor(space, headsOf(entries)));
      expect(checkAttested(heads, records)).toHaveLength(3);
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
    for (const side of ["sender", "receiver"] as const) {
      expect(sizes(await newers[side]())).toEqual({ proofs: 4 + 1 + 3 + 2, cells: 3 + 1 });
      expect(sizes(await olders[side]())).toEqual({ proofs: 4 + 1, cells: 1 + 1 });
    }
    for (const { space } of [alice, bob]) {
      const { heads, records } = readEvidence(await evidenceFor(space, headsOf(entries)));
      const sessions = checkAttested(heads, records).map(({ session }) => session);
      expect(sessions).toEqual([older, newer].map(({ established }) => established.session));
      expect(await problemsOf(space)).toEqual([]);
    }
  });

  test("and outlives the session's own proofs", async () => {
    const { alice, bob } = await newWorld("retention");
    const { commit, established } = await meet(alice, bob);
    const entries = entriesOf(1);
    await commit(entries).receiver();
    const before = await evidenceFor(bob.space, headsOf(entries));
    await bob.space.commit({ ...nobody, dropProofGroups: [established.session] });
    expect(await bob.space.proofs(established.session)).toEqual([]);
    expect(await evidenceFor(bob.space, headsOf(entries))).toEqual(before);
  });

  test("so a session whose own proofs were dropped while it lasted can add no head", async () => {
    const { alice, bob } = await newWorld("dropped");
    const { commit, established } = await meet(alice, bob);
    await commit([]).receiver();
    await bob.space.commit({ ...nobody, dropProofGroups: [established.session] });
    expect(await codeOf(commit(entriesOf(1)).receiver())).toBe("store_failed");
  });

  test("and no commit rests on frames that are not those filed first (threat 13)", async () => {
    const { alice, bob } = await newWorld("forked");
    const { commit } = await meet(alice, bob);
    const { receiver } = commit(entriesOf(1));
    const genesis = (await alice.space.proof(alice.address))!;
    const fork = new Chain(genesis, "identity", () => internalsOf(alice.identity).secretFor(""));
    const forked = fork.add({ verb: "delegate", target: bob.address });
    const group = evidenceGroup(alice.address);
    await put(bob.space, {
      proofs: fork.frames.map((record) => ({ group, record })),
      cells: [newCell(cellKinds.evidence, alice.address, { tip: forked.address, n: 1 })],
    });
    expect(await codeOf(receiver())).toBe("duplicity");
  });

  test("also where two commits file it at the same time: one of them is made anew", async () => {
    const dave = new InnerSpace();
    const person = new Person("alice");
    const [first, second] = entriesOf(2).map((entry, at) =>
      readEvidence(evidenceOf(person, [entry], `to ${at}`)),
    );
    const filings = [
      await keepAttested(dave, first!.heads, first!.records),
      await keepAttested(dave, second!.heads, second!.records),
    ];
    await put(dave, filings[0]!);
    const moved = await dave.commit({ ...nobody, ...filings[1]! });
    expect(moved).toMatchObject({ kind: "moved", cells: [`evidence/${person.address}`] });
    await put(dave, await keepAttested(dave, second!.heads, second!.records));
    expect(await problemsOf(dave)).toEqual([]);
  });
});

describe("evidence that comes", () => {
  test("is refused as a whole, and nothing of it is kept", async () => {
    const dave = new InnerSpace();
    const [entry, another] = entriesOf(2);
    const right = evidenceOf(new Person("alice"), [entry!]);
    const forged = evidenceOf(new Person("eve"), [another!], "elsewhere").slice(1);
    expect(await codeOf(take(dave, [...right, ...forged]))).toBe("attestation_refused");
    expect(await contentsOf(dave)).toEqual(await contentsOf(new InnerSpace()));
  });

  test("is refused where a keystone that heads rest on has forked (threat 13)", () =>
    signsTwice(async () => {
      const dave = new InnerSpace();
      const entries = entriesOf(4);
      // A restored backup: the identity's second frame says two things.
      const [alice, restored] = [new Person("alice"), new Person("alice")];
      await take(dave, evidenceOf(alice, entries.slice(0, 1), "bob"));
      expect(await codeOf(take(dave, evidenceOf(restored, entries.slice(1, 2), "carol")))).toBe("duplicity");
      // The same where more, or less, of the fork is shown than there is of the chain.
      await take(dave, evidenceOf(alice, entries.slice(2, 3), "erin"));
      const late = new Person("alice");
      expect(await codeOf(take(dave, evidenceOf(late, entries.slice(1, 2), "carol")))).toBe("duplicity");
      for (const to of ["frank", "grace", "heidi"]) late.laneTo(new Person(to));
      expect(await codeOf(take(dave, evidenceOf(late, entries.slice(1, 2), "ivan")))).toBe("duplicity");
      expect(await problemsOf(dave)).toEqual([]);
    }));

  test("may show less of a keystone than is filed of it", async () => {
    const dave = new InnerSpace();
    const entries = entriesOf(2);
    const alice = new Person("alice");
    const early = evidenceOf(alice, entries.slice(0, 1), "bob");
    await take(dave, evidenceOf(alice, entries.slice(1), "carol"));
    await take(dave, early);
    const { heads, records } = readEvidence(await evidenceFor(dave, headsOf(entries)));
    expect(checkAttested(heads, records)).toHaveLength(2);
  });

  test("is none for a head that is not attested", async () => {
    expect(await evidenceFor(new InnerSpace(), headsOf(entriesOf(2)))).toEqual([]);
  });

  test("travels in frames within the limits, and counts as bytes", async () => {
    const { alice, bob } = await newWorld("in frames");
    const { established } = await meet(alice, bob);
    const frames: Uint8Array[] = [];
    const link = { say: () => "", sayPayload: async () => undefined };
    const waits = new Waits(systemPlatform.timers, () => {});
    const conversation = new Conversation(established, "sender", link, () => {}, waits);
    const evidence = evidenceOf(new Person("alice"), entriesOf(150));
    const { ahead } = conversation.sign({ type: "init", saga: "00".repeat(16), direction: "push", evidence });
    for (const frame of ahead) frames.push(frame);
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
    await take(space, evidenceOf(new Person("alice"), entries));
    const attestation = (await attestationOf(space, entries[0]!.head))!;
    return { space, attestation };
  }

  async function setCell(space: Space, key: string, value: unknown): Promise<void> {
    const change = { key, from: await space.cell(key), to: utf8(JSON.stringify(value)) };
    expect((await space.commit({ ...nobody, cells: [change] })).kind).toBe("committed");
  }

  /** A space whose groups of proofs lack what `isGone` is true of. */
  function without(space: Space, isGone: (record: IbGib) => boolean): Space {
    const proofs = async (group: Address) => (await space.proofs(group)).filter((record) => !isGone(record));
    return new Proxy(space, {
      get(target, name) {
        const value: unknown = name === "proofs" ? proofs : Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  test("a frame that is gone", async () => {
    const { space, attestation } = await attested();
    const frames = await space.proofs(evidenceGroup(attestation.lane));
    const problems = await problemsOf(without(space, ({ address }) => address === frames[1]!.address));
    expect(problems).toContainEqual({
      at: attestation.lane,
      rule: "cell",
      detail: "does not say how far it is filed as evidence",
    });
    for (const { head } of entries)
      expect(problems).toContainEqual({
        at: head,
        rule: "not_attested",
        detail: "attestation_refused: lane: not shown",
      });
  });

  test("a context that is gone", async () => {
    const { space } = await attested();
    const problems = await problemsOf(without(space, ({ ib }) => ib === "context"));
    expect(problems).toHaveLength(entries.length);
    for (const { head } of entries)
      expect(problems).toContainEqual({
        at: head,
        rule: "not_attested",
        detail: "attestation_refused: context not shown",
      });
  });

  test("a head that is said to be another's, or another's place", async () => {
    const { space, attestation } = await attested();
    const [first, second] = headsOf(entries).map((head) => `attested/${gibOf(head)}`);
    await setCell(space, first!, { ...attestation, identity: new Person("eve").address });
    expect(await problemsOf(space)).toEqual([
      { at: entries[0]!.head, rule: "not_attested", detail: "attestation_refused: identity: not shown" },
    ]);
    await setCell(space, first!, attestation);
    await setCell(space, second!, attestation);
    expect(await problemsOf(space)).toEqual([{ at: entries[0]!.head, rule: "cell", detail: second }]);
  });
});

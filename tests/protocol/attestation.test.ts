import { describe, expect, test, vi } from "vitest";
import { canonicalJson, concatBytes, utf8 } from "../../src/base/index.js";
import { type IbGib, sealRecord, toText } from "../../src/ibgib/index.js";
import {
  attestKeyOf,
  type ListKind,
  type SignedList,
  signList,
  startReplay,
} from "../../src/keystone/index.js";
import {
  type AttestedFrames,
  checkAttested,
  checkProofs,
  type Evidence,
  evidenceFrame,
  MadeFrame,
  placesOf,
  readEvidence,
  readPayload,
  sliceLimits,
  type Voucher,
} from "../../src/saga/index.js";
import { CommitBody } from "../../src/saga/turn-bodies.js";
import { listRoot } from "../../src/saga/turn.js";
import { checkEvidence } from "../../src/peer/rights/attestations.js";
import { InnerSpace } from "../../src/space/index.js";
import { type Loose, outcome, tampered } from "../keystone/keystones.js";
import { type Chain, newNotes, Person, Session, tipOf, vouch } from "../saga/commits.js";

/** How many signatures were checked. */
const verified = vi.hoisted(() => ({ count: 0 }));

vi.mock("../../src/base/crypto-node.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/base/crypto-node.js")>();
  const ed25519Verify: typeof original.ed25519Verify = (...args) => {
    verified.count++;
    return original.ed25519Verify(...args);
  };
  return { ...original, ed25519Verify };
});

/** Alice commits three frames to bob; everything that proves it, as anyone might see it. */
function committed(name = "session") {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  const lane = alice.laneTo(bob);
  const session = new Session(alice, bob, lane, { name });
  const notes = ["a", "b", "c"].map((uuid) => newNotes(alice, uuid));
  const made = notes.map(({ entry }) => entry);
  const entries = [...made.map(tipOf), ...made];
  const list = session.commit(entries);
  return { alice, bob, lane, session, made, entries, list };
}

const shared = committed();

/** A proof of one frame, to be altered. */
interface Shown {
  records: IbGib[];
  voucher: Loose;
  list: Loose;
}

function shown(): Shown {
  const { alice, lane, session, list } = shared;
  return {
    records: [...alice.identity.frames, lane.genesis, session.s.genesis],
    voucher: structuredClone(session.voucher),
    list: { ...structuredClone(list), frames: [structuredClone(list.frames[0])] },
  };
}

const evidenceOf = ({ records, voucher, list }: Shown): Evidence[] => [...records.map(toText), voucher, list];
/** What is left out may have been shown before, to a state of this home that is gone: that has a code of its own. */
const refusal = /^(attestation_refused|proofs_missing): /;

const check = (proof: Shown) => outcome(() => checkAttested(evidenceOf(proof)));

/** A list as somebody signs it with the attest key of a session, whatever it says. */
function signedBy(
  session: Chain,
  made: readonly MadeFrame[],
  {
    kind = "senderHeads",
    ...of
  }: Partial<SignedList> & { kind?: ListKind; over?: readonly unknown[]; saga?: string } = {},
): AttestedFrames {
  const { over = made, ...named } = of;
  const list = {
    session: session.address,
    saga: "00".repeat(16),
    count: over.length,
    root: listRoot(over),
    ...named,
  };
  const signature = signList(kind, list, attestKeyOf(session.state, session.secretFor));
  const { saga, count } = list;
  return { session: session.address, saga, count, signature, frames: [...placesOf(made)] };
}

describe("who made a frame", () => {
  test("is proved to anyone, by what is shown alone (A3)", () => {
    const { alice, lane, session, list, made } = shared;
    const attester = { identity: alice.address, lane: lane.address, session: session.s.address };
    const evidence = [...session.parts, list];
    expect(checkAttested(evidence)).toEqual(made.map((entry) => ({ ...entry, ...attester })));
    expect(checkAttested([...evidence].reverse())).toHaveLength(3);
    expect(check(shown())).toBe("accepted");
  });

  test("is signed over the frames of a commit, and not its tips (A2)", () => {
    const { list, made, entries } = shared;
    expect(list.frames.map(({ entry, index }) => [entry, index])).toEqual(made.map((each, at) => [each, at]));
    const body = { type: "commit", saga: "00".repeat(16), turn: 3, entries, attested: list.signature };
    expect(CommitBody.safeParse(body).success).toBe(true);
  });

  test("costs and takes the same in the hundredth saga and session as in the first (A5)", () => {
    const { alice, bob, lane } = committed();
    const sizes: number[] = [];
    const costs: number[] = [];
    for (let at = 0; at < 100; at++) {
      const session = new Session(alice, bob, lane, { name: `session ${at % 10}-${Math.floor(at / 10)}` });
      for (let empty = 0; empty < at % 10; empty++) session.commit([]);
      const evidence = [...session.parts, session.commit([shared.made[0]!])];
      verified.count = 0;
      expect(checkAttested(evidence)).toHaveLength(1);
      costs.push(verified.count);
      sizes.push(JSON.stringify(evidence).length);
    }
    // Delegation, voucher, list.
    expect(new Set(costs)).toEqual(new Set([3]));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(4); // the voucher's number has more digits
  });

  test("costs one signature check for a list, however many of its frames are shown", () => {
    const { alice, bob, lane } = committed();
    const session = new Session(alice, bob, lane, { name: "many" });
    const made = Array.from({ length: 50 }, (_, at) => newNotes(alice, `note ${at}`).entry);
    const list = session.commit(made);
    verified.count = 0;
    expect(checkAttested([...session.parts, list])).toHaveLength(50);
    expect(verified.count).toBe(3);
  });

  test("needs of the shared parts only what is not known", () => {
    const { alice, lane, session, list } = shared;
    const { attested, parts } = checkProofs(readEvidence([...session.parts, list]), {
      sessions: new Map(),
      lanes: new Map(),
      identities: new Map(),
    });
    expect(parts.sessions.map(({ first }) => first)).toEqual([session.s.genesis]);
    expect(parts.lanes).toEqual([lane.genesis]);
    expect([...parts.identities]).toEqual([[alice.address, alice.identity.frames]]);
    const sessions = new Map(parts.sessions.map((part) => [part.session, part]));
    const known = { sessions, lanes: new Map(), identities: new Map() };
    verified.count = 0;
    expect(checkProofs(readEvidence([list]), known).attested).toEqual(attested);
    expect(verified.count).toBe(1);
  });
});

test("evidence is checked in steps, a slice of a chain or a list each, however much of it comes (threat 25)", async () => {
  const { alice, bob, lane, session, list } = committed("in steps");
  for (let times = 0; times < 3 * sliceLimits.framesMax; times++) alice.laneTo(bob);
  const later = Array.from({ length: 20 }, (_, at) => session.commit([newNotes(alice, `${at}`).entry]));
  const { frames } = alice.identity;
  const records = [...frames, lane.genesis, session.s.genesis].map(toText);
  const checked: number[] = [];
  const pause = async () => {
    checked.push(verified.count);
    verified.count = 0;
  };
  await pause();
  const home = { space: new InnerSpace(), address: new Person("carol").address };
  await checkEvidence(home, [...records, session.voucher, list, ...later], { pause });
  await pause();
  const [, ...steps] = checked;
  // Each frame but the first, the voucher, and each list.
  expect(steps.reduce((sum, signatures) => sum + signatures)).toBe(frames.length + 21);
  expect(Math.max(...steps)).toBeLessThanOrEqual(sliceLimits.framesMax);
});

describe("an entry", () => {
  const [entry, elsewhere] = shared.made;

  test("is of one timeline, as its addresses show", () => {
    expect(MadeFrame.safeParse(entry).success).toBe(true);
    expect(MadeFrame.safeParse({ ...entry, frame: entry!.tjp }).success).toBe(true);
    for (const name of ["tjp", "frame"] as const)
      expect(MadeFrame.safeParse({ ...entry, [name]: elsewhere![name] }).success).toBe(false);
  });

  test("is no tip, and a tip no entry", () => {
    expect(MadeFrame.safeParse(tipOf(entry!)).success).toBe(false);
  });
});

describe("an onlooker alters what is shown (threat 22)", () => {
  /** Another commit of alice's, in another session of the lane. */
  const other = (() => {
    const { alice, bob, lane } = shared;
    const session = new Session(alice, bob, lane, { name: "other" });
    const { entry } = newNotes(alice, "other");
    return { session, list: session.commit([entry, newNotes(alice, "second").entry]) };
  })();

  const alterations: Record<string, (shown: Shown) => void> = {
    "another frame of the timeline": ({ list }) => (list.frames[0].entry.frame = list.frames[0].entry.tjp),
    "another entry of the list": ({ list }) => (list.frames[0].entry = shared.made[1]),
    "a tip for an entry": ({ list }) => (list.frames[0].entry = shared.entries[0]),
    "another index": ({ list }) => (list.frames[0].index = 1),
    "an index beyond the list": ({ list }) => (list.frames[0].index = 3),
    "another count": ({ list }) => (list.count = 4),
    "a count of none": ({ list }) => (list.count = 0),
    "a node of the path changed": ({ list }) => (list.frames[0].path[0] = "00".repeat(32)),
    "a node that is no hex": ({ list }) => (list.frames[0].path[0] = "node"),
    "a node more": ({ list }) => list.frames[0].path.push("00".repeat(32)),
    "a node less": ({ list }) => list.frames[0].path.pop(),
    "the path of another entry": ({ list }) => (list.frames[0].path = shared.list.frames[1]!.path),
    "the path of another tree": ({ list }) => (list.frames[0].path = other.list.frames[0]!.path),
    "the place in another list": ({ list }) => (list.frames[0] = other.list.frames[0]),
    "an entry twice": ({ list }) => list.frames.push(list.frames[0]),
    "another saga": ({ list }) => (list.saga = "11".repeat(16)),
    "another session's signature": ({ list }) => (list.signature = other.list.signature),
    "a stripped signature": ({ list }) => (list.signature = ""),
    "a list under another session": ({ list, records, voucher }) => {
      list.session = other.session.s.address;
      records[records.length - 1] = other.session.s.genesis;
      Object.assign(voucher, other.session.voucher);
    },
    "another session's voucher": ({ voucher }) => (voucher.signature = other.session.voucher.signature),
    "a voucher with another number": ({ voucher }) => voucher.n++,
    "a voucher for another session": ({ voucher }) => (voucher.session = other.session.s.address),
    "no identity": ({ records }) => records.splice(0, 2),
    "the identity's genesis alone": ({ records }) => records.splice(1, 1),
    "no lane": ({ records }) => records.splice(2, 1),
    "no session": ({ records }) => records.splice(3, 1),
    "a frame of the lane as well": ({ records }) => records.push(shared.lane.frames[1]!),
    "a frame of the session as well": ({ records }) => records.push(shared.session.s.frames[1]!),
    "a record twice": ({ records }) => records.push(records[0]!),
    "somebody else's identity as well": ({ records }) => records.push(shared.bob.identity.genesis),
    "a session that nothing rests on": ({ records }) => records.push(other.session.s.genesis),
  };

  test.each(Object.entries(alterations))("%s", (_, alter) => {
    const altered = shown();
    alter(altered);
    expect(check(altered)).toMatch(refusal);
  });

  test("a context as well", () => {
    expect(outcome(() => readEvidence([toText(shared.session.contexts[0]!)]))).toBe(
      "attestation_refused: kind of record",
    );
  });

  test.each(shown().records.map((record, at) => [at, record.ib, record] as const))(
    "any member of record %i (%s), under a gib that is right for it",
    (at, __, record) => {
      let altered = 0;
      for (const change of changesOf(record)) {
        const proof = shown();
        const forged = tampered(record, change);
        proof.records[at] = forged;
        if (record.ib === "keystone.session") proof.list.session = proof.voucher.session = forged.address;
        expect(check(proof)).toMatch(refusal);
        altered++;
      }
      expect(altered).toBeGreaterThan(8);
    },
  );

  test("text that is not what its gib says is not even admitted", () => {
    const [ib, gib, rel8ns, data] = toText(shared.session.s.genesis);
    const altered = data.replace('"n":0', '"n":1');
    expect(altered).not.toBe(data);
    expect(outcome(() => readEvidence([[ib, gib, rel8ns, altered]]))).toBe("record_refused: gib_mismatch");
  });
});

/**
 * A change for each member, however deep, of a record's data and links: to something else of the same kind. What is
 * true is left out instead.
 */
function* changesOf(record: IbGib): Generator<(loose: Loose) => void> {
  for (const path of pathsIn({ data: record.data, rel8ns: record.rel8ns })) {
    yield (loose) => {
      const last = path.at(-1)!;
      const holder = path.slice(0, -1).reduce((inside, name) => inside[name], loose);
      if (holder[last] === true) delete holder[last];
      else holder[last] = another(holder[last]);
    };
  }
}

function* pathsIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== "object" || value === null) return yield path;
  for (const [name, member] of Object.entries(value))
    if (member !== undefined) yield* pathsIn(member, [...path, name]);
}

function another(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  const text = String(value);
  const last = text.at(-1);
  return text.slice(0, -1) + (last === "0" ? "1" : "0");
}

describe("eve signs with keys of her own (threat 22)", () => {
  function cast() {
    const [alice, bob, eve, dave] = ["alice", "bob", "eve", "dave"].map((name) => new Person(name));
    return { alice: alice!, bob: bob!, eve: eve!, dave: dave!, entry: newNotes(alice!, "a").entry };
  }

  /** Eve's session with bob over `lane`, in which she signs alice's frame as hers. */
  function eveCommits(lane: Chain, of: { name?: string; vouched?: boolean; receiver?: Person } = {}) {
    const { eve, bob, entry } = cast();
    const session = new Session(eve, of.receiver ?? bob, lane, of);
    return { session, list: session.commit([entry]) };
  }

  const proof = (
    { session, list }: ReturnType<typeof eveCommits>,
    identity: Person,
    voucher: Voucher = session.voucher,
  ): Shown => ({
    records: [...identity.identity.frames, session.lane.genesis, session.s.genesis],
    voucher,
    list,
  });

  test("a frame that she signs for is hers, not alice's", () => {
    const { eve, bob } = cast();
    const evidence = evidenceOf(proof(eveCommits(eve.laneTo(bob)), eve));
    expect(checkAttested(evidence)).toMatchObject([{ identity: eve.address }]);
  });

  const forgeries: Record<string, [rule: string, forge: () => Shown]> = {
    "a lane that says it is alice's": [
      "lane not delegated",
      () => {
        const { alice, bob, eve } = cast();
        return proof(eveCommits(eve.undelegatedLaneTo(bob, alice)), alice);
      },
    ],
    "a lane of hers that she has not delegated": [
      "lane not delegated",
      () => {
        const { bob, eve } = cast();
        return proof(eveCommits(eve.undelegatedLaneTo(bob)), eve);
      },
    ],
    "a session over alice's lane": [
      "signature of the lane",
      () => {
        const said = eveCommits(shared.lane, { vouched: false });
        const eves = cast().eve.laneTo(cast().bob);
        return proof(said, shared.alice, vouch(eves, said.session.s.address, cast().bob, 1));
      },
    ],
    "a voucher of another lane of hers": [
      "signature of the lane",
      () => {
        const { bob, eve, dave } = cast();
        const lane = eve.laneTo(bob);
        const other = eve.laneTo(dave);
        const said = eveCommits(lane);
        return proof(said, eve, vouch(other, said.session.s.address, bob, 1));
      },
    ],
    "a voucher towards somebody else": [
      "signature of the lane",
      () => {
        const { bob, eve, dave } = cast();
        const lane = eve.laneTo(bob);
        const said = eveCommits(lane);
        return proof(said, eve, vouch(lane, said.session.s.address, dave));
      },
    ],
    "a session with another receiver than its lane's": [
      "lane to another receiver",
      () => {
        const { bob, eve, dave } = cast();
        return proof(eveCommits(eve.laneTo(bob), { receiver: dave }), eve);
      },
    ],
    "a session with another receiver than its lane's, which the lane vouches for": [
      "lane to another receiver",
      () => {
        const { bob, eve, dave } = cast();
        const lane = eve.laneTo(bob);
        const said = eveCommits(lane, { receiver: dave });
        return proof(said, eve, vouch(lane, said.session.s.address, bob));
      },
    ],
    "R in the place of S": [
      "session: pools of another version",
      () => {
        const { bob, eve, entry } = cast();
        const { session } = eveCommits(eve.laneTo(bob));
        const list = signedBy(session.r, [entry]);
        const voucher = vouch(session.lane, session.r.address, bob);
        return {
          ...proof({ session, list }, eve, voucher),
          records: [...eve.identity.frames, session.lane.genesis, session.r.genesis],
        };
      },
    ],
  };

  test.each(Object.entries(forgeries))("%s proves nothing", (_, [rule, forge]) => {
    expect(check(forge())).toBe(`attestation_refused: ${rule}`);
  });

  test("two sessions of a lane with one attest key are two sessions: each is vouched for, and each list names its own", () => {
    const { bob, eve, entry } = cast();
    const lane = eve.laneTo(bob);
    const said = eveCommits(lane);
    const twin = tampered(said.session.s.genesis, ({ data }) => (data.details.audience = "wss://elsewhere"));
    const twinChain = { ...said.session.s, address: twin.address } as Chain;
    Object.defineProperties(twinChain, {
      state: { value: startReplay(twin, "session") },
      secretFor: { value: said.session.s.secretFor },
    });
    const second = signedBy(twinChain, [entry]);
    const { records, voucher, list } = proof(said, eve);
    const both = [...records, twin].map(toText);
    const vouchers = [voucher, vouch(lane, twin.address, bob, 2)];
    const sessions = checkAttested([...both, ...vouchers, list, second]).map(({ session }) => session);
    expect(new Set(sessions)).toEqual(new Set([said.session.s.address, twin.address]));
    const swapped = { ...second, session: said.session.s.address };
    const evidence = [...both.slice(0, -1), voucher, swapped];
    expect(outcome(() => checkAttested(evidence))).toBe("attestation_refused: signature of the session");
  });
});

describe("a signature is for one use (threat 22)", () => {
  const { session, made } = shared;
  const withList = (list: AttestedFrames) => outcome(() => checkAttested([...session.parts, list]));
  const saga = "22".repeat(16);

  test("a list that is signed as it should be is taken", () => {
    expect(withList(signedBy(session.s, made, { saga }))).toBe("accepted");
  });

  test.each(["receiverHeads", "receipt"] as const)("%s, signed by S, are no sender's frames", (kind) => {
    expect(withList(signedBy(session.s, made, { kind, saga }))).toBe(
      "attestation_refused: signature of the session",
    );
  });

  test("another session's name, another saga's, another count or root under it is another list", () => {
    const wrong: Partial<SignedList>[] = [
      { session: session.r.address },
      { count: made.length + 1 },
      { root: listRoot(made.slice(1)) },
    ];
    for (const named of wrong) {
      const list = { ...signedBy(session.s, made, named), session: session.s.address, count: made.length };
      expect(withList(list)).toBe("attestation_refused: signature of the session");
    }
    const replayed = { ...signedBy(session.s, made), saga };
    expect(withList(replayed)).toBe("attestation_refused: signature of the session");
  });

  test("a voucher is no list, whatever it is over", () => {
    const list = { ...signedBy(session.s, made), signature: session.voucher.signature };
    expect(withList(list)).toBe("attestation_refused: signature of the session");
  });

  test("a tree with an entry twice shows no frame twice", () => {
    const [first] = made;
    const list = signedBy(session.s, [first!, first!]);
    expect(withList(list)).toBe("attestation_refused: shown twice");
  });
});

describe("evidence travels", () => {
  const evidence: Evidence[] = [...shared.session.parts, shared.list];

  test("as payload of its own kind, and comes out as it was", () => {
    const content = readPayload(evidenceFrame(evidence));
    expect(content).toEqual({ records: [], entries: [], references: [], evidence });
    expect(checkAttested(content.evidence)).toHaveLength(3);
  });

  const { list } = shared;
  const [place] = list.frames;
  const { voucher } = shared.session;
  const wrong: Record<string, unknown> = {
    "no list": {},
    "an empty list": [],
    "something else in it": [...evidence, "frame"],
    "a member more": [{ ...list, more: 1 }],
    "a member less": [{ ...list, saga: undefined, session: list.session }],
    "no frame": [{ ...list, frames: [] }],
    "a frame of another timeline than its entry's": [
      { ...list, frames: [{ ...place, entry: { ...place!.entry, tjp: shared.alice.address } }] },
    ],
    "an index that is no number of an entry": [{ ...list, frames: [{ ...place, index: -1 }] }],
    "a path of other than hashes": [{ ...list, frames: [{ ...place, path: ["00"] }] }],
    "a voucher of a genesis": [{ ...voucher, n: 0 }],
    "a voucher with half a signature": [{ ...voucher, signature: voucher.signature.slice(64) }],
    "a part of a record": [["keystone.session", "", ""]],
  };

  test.each(Object.entries(wrong))("but not with %s", (_, items) => {
    const text = canonicalJson(JSON.parse(JSON.stringify(items)));
    const frame = concatBytes(Uint8Array.of(3), utf8(text));
    expect(outcome(() => readPayload(frame))).toMatch(/^malformed_message/);
  });

  test("but not in two spellings", () => {
    const frame = concatBytes(Uint8Array.of(3), utf8(` ${canonicalJson(evidence)}`));
    expect(outcome(() => readPayload(frame))).toMatch(/^json_refused/);
  });

  test("but not with domain records in it", () => {
    const note = sealRecord({ ib: "note", data: { text: "x" } });
    expect(outcome(() => readEvidence([toText(note)]))).toBe("attestation_refused: kind of record");
  });

  test("without a byte of frames or contexts after a genesis", () => {
    const text = JSON.stringify(evidence);
    for (const { gib } of [
      ...shared.session.contexts,
      ...shared.session.s.frames.slice(1),
      ...shared.lane.frames.slice(1),
    ])
      expect(text).not.toContain(gib);
  });
});

import { describe, expect, test, vi } from "vitest";
import { canonicalJson, concatBytes, utf8 } from "../../src/base/index.js";
import { type IbGib, sealRecord, toText } from "../../src/ibgib/index.js";
import {
  type AttestedHead,
  attestHeads,
  checkAttested,
  type Evidence,
  evidenceFrame,
  HeadEntry,
  readAttested,
  readEvidence,
  readPayload,
} from "../../src/saga/index.js";
import { CommitBody } from "../../src/saga/messages.js";
import { type Loose, outcome, tampered } from "../keystone/keystones.js";
import { type Chain, newNotes, Person, Session, tipOf } from "../saga/commits.js";

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

/** Alice commits three heads to bob; everything that proves it, as anyone might see it. */
function committed() {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  const lane = alice.laneTo(bob);
  const session = new Session(alice, bob, lane);
  const notes = ["a", "b", "c"].map((uuid) => newNotes(alice, uuid));
  const entries = [...notes.map(({ entry }) => tipOf(entry)), ...notes.map(({ entry }) => entry)];
  const context = session.commit(entries);
  const heads = attestHeads(entries, context.address);
  // Up to the frames that count; what comes after them proves nothing more.
  const records = [...session.s.frames, ...lane.frames, ...alice.identity.frames, context];
  return { alice, bob, lane, session, notes, entries, context, heads, head: heads[0]!, records };
}

const shared = committed();

/** Evidence for one head, to be altered. */
interface Shown {
  head: Loose;
  records: IbGib[];
}

function shown(): Shown {
  return { head: structuredClone(shared.head), records: [...shared.records] };
}

const check = ({ head, records }: Shown) => outcome(() => checkAttested([head], records));

describe("who added a head", () => {
  test("is proved to anyone, by what is shown alone", () => {
    const { alice, lane, session, heads, records } = shared;
    const attester = { identity: alice.address, lane: lane.address, session: session.s.address };
    expect(checkAttested(heads, records)).toEqual([attester, attester, attester]);
    expect(checkAttested(heads, [...records].reverse())).toEqual([attester, attester, attester]);
    expect(readAttested(heads, records)).toEqual([attester, attester, attester]);
  });

  test("is proved by one list with tips in front, and its entries stand where the list has them", () => {
    const { heads, entries, context } = shared;
    expect(heads.map(({ entry, index, count }) => [entry, index, count])).toEqual(
      entries.slice(3).map((entry, at) => [entry, 3 + at, 6]),
    );
    expect(CommitBody.safeParse({ type: "commit", saga: "00".repeat(16), turn: 3, entries }).success).toBe(
      true,
    );
    expect(context.data).toMatchObject({ stage: "commit", entries: { count: 6 } });
  });

  test("is proved by a later saga of the session too, and by one whose only entry it is", () => {
    const { alice, bob, lane } = committed();
    const session = new Session(alice, bob, lane, { name: "another" });
    const { entry } = newNotes(alice, "d");
    session.commit([]);
    const [head] = attestHeads([entry], session.commit([entry]).address);
    const records = [...session.s.frames, ...session.contexts, ...lane.frames, ...alice.identity.frames];
    expect(checkAttested([head!], records)).toMatchObject([{ session: session.s.address }]);
    expect(head?.path).toEqual([]);
  });

  test("is proved whatever else is shown", () => {
    const { alice, records, heads, session } = shared;
    const eve = new Person("eve");
    const beside = [
      ...eve.laneTo(alice).frames,
      ...eve.identity.frames,
      ...session.r.frames,
      ...session.contexts,
    ];
    expect(checkAttested(heads, [...beside, ...records, ...beside])).toHaveLength(3);
  });

  test("costs one replay, however many heads rest on it", () => {
    const { alice, bob, lane } = committed();
    const session = new Session(alice, bob, lane, { name: "many" });
    const entries = Array.from({ length: 100 }, (_, at) => newNotes(alice, `note ${at}`).entry);
    const heads = attestHeads(entries, session.commit(entries).address);
    const records = [...session.s.frames, ...session.contexts, ...lane.frames, ...alice.identity.frames];
    const checksOf = (some: readonly AttestedHead[]) => {
      verified.count = 0;
      expect(checkAttested(some, records)).toHaveLength(some.length);
      return verified.count;
    };
    const once = checksOf(heads.slice(0, 1));
    expect(once).toBeGreaterThan(0);
    expect(checksOf(heads)).toBe(once);
    verified.count = 0;
    readAttested(heads, records);
    expect(verified.count).toBe(0);
  });
});

describe("an entry", () => {
  const { entry } = shared.head;
  const elsewhere = newNotes(shared.alice, "elsewhere").entry;

  test("is of one timeline, as its addresses show", () => {
    expect(HeadEntry.safeParse(entry).success).toBe(true);
    const { from: _, ...first } = { ...entry, head: entry.tjp, to: entry.tjp };
    expect(HeadEntry.safeParse(first).success).toBe(true);
    for (const name of ["tjp", "head", "from", "to"] as const)
      expect(HeadEntry.safeParse({ ...entry, [name]: elsewhere[name] }).success).toBe(false);
  });

  test("is no tip, and a tip no entry", () => {
    expect(HeadEntry.safeParse(tipOf(entry)).success).toBe(false);
    expect(attestHeads([tipOf(entry)], shared.context.address)).toEqual([]);
  });
});

describe("an onlooker alters what is shown (threat 22)", () => {
  /** Another commit of alice's, with all that belongs to it. */
  const other = (() => {
    const { alice, bob, lane } = shared;
    const session = new Session(alice, bob, lane, { name: "other" });
    const { entry } = newNotes(alice, "other");
    const context = session.commit([entry, tipOf(entry)]);
    return { session, head: attestHeads([entry, tipOf(entry)], context.address)[0]!, context };
  })();

  const alterations: Record<string, (shown: Shown) => void> = {
    "the head of another entry": ({ head }) => (head.entry.head = shared.heads[1]!.entry.head),
    "another timeline": ({ head }) => (head.entry.tjp = shared.heads[1]!.entry.tjp),
    "another tip replaced": ({ head }) => (head.entry.from = head.entry.tjp),
    "no tip replaced": ({ head }) => delete head.entry.from,
    "another tip left": ({ head }) => (head.entry.to = head.entry.from),
    "another entry of the list": ({ head }) => (head.entry = shared.heads[1]!.entry),
    "a tip for an entry": ({ head }) => (head.entry = shared.entries[0]),
    "another index": ({ head }) => (head.index = 4),
    "an index beyond the list": ({ head }) => (head.index = 6),
    "another count": ({ head }) => (head.count = 7),
    "no list at all": ({ head }) => (head.count = 0),
    "a node of the path changed": ({ head }) => (head.path[0] = "00".repeat(32)),
    "a node that is no hex": ({ head }) => (head.path[0] = "node"),
    "a node more": ({ head }) => head.path.push("00".repeat(32)),
    "a node less": ({ head }) => head.path.pop(),
    "the path of another entry": ({ head }) => (head.path = shared.heads[1]!.path),
    "the path of another list": ({ head }) => (head.path = other.head.path),
    "the place in another list": ({ head }) => Object.assign(head, { ...other.head, context: head.context }),
    "another turn's context": ({ head, records }) => {
      head.context = shared.session.contexts[0]!.address;
      records.push(shared.session.contexts[0]!);
    },
    "a context of another session": ({ head, records }) => {
      head.context = other.context.address;
      records.push(other.context);
    },
    "a frame for a context": ({ head }) => (head.context = shared.session.s.address),
  };

  test.each(Object.entries(alterations))("%s", (_, alter) => {
    const altered = shown();
    alter(altered);
    expect(check(altered)).toMatch(/^attestation_refused: /);
    expect(check(shown())).toBe("accepted");
  });

  test.each(shared.records.map((record, at) => [at, record.ib, record] as const))(
    "record %i (%s) is left out",
    (_, __, record) => {
      const records = shared.records.filter((each) => each !== record);
      expect(check({ head: shared.head, records })).toMatch(/^attestation_refused: /);
    },
  );

  test.each(shared.records.map((record, at) => [at, record.ib, record] as const))(
    "any member of record %i (%s), under a gib that is right for it",
    (_, __, record) => {
      let altered = 0;
      for (const change of changesOf(record)) {
        const forged = tampered(record, change);
        const records = shared.records.map((each) => (each === record ? forged : each));
        const head = record === shared.context ? { ...shared.head, context: forged.address } : shared.head;
        expect(check({ head, records })).toMatch(/^attestation_refused: /);
        altered++;
      }
      expect(altered).toBeGreaterThan(8);
    },
  );

  test("text that is not what its gib says is not even admitted", () => {
    const [ib, gib, rel8ns, data] = toText(shared.context);
    const altered = data.replace('"count":6', '"count":7');
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
  /** Eve's session with bob over `lane`, in which she commits alice's head as hers. */
  function eveCommits(lane: Chain, of: { name?: string; vouched?: boolean; receiver?: Person } = {}) {
    const { eve, bob, entry } = cast();
    const session = new Session(eve, of.receiver ?? bob, lane, of);
    const [head] = attestHeads([entry], session.commit([entry]).address);
    return { head: head!, session, records: [...session.s.frames, ...session.contexts, ...lane.frames] };
  }

  function cast() {
    const [alice, bob, eve, dave] = ["alice", "bob", "eve", "dave"].map((name) => new Person(name));
    return { alice: alice!, bob: bob!, eve: eve!, dave: dave!, entry: newNotes(alice!, "a").entry };
  }

  test("a head that she signs for is hers, not alice's", () => {
    const { eve, bob } = cast();
    const { head, records } = eveCommits(eve.laneTo(bob));
    const shownAll = [...records, ...shared.records, ...eve.identity.frames];
    expect(checkAttested([head], shownAll)).toMatchObject([{ identity: eve.address }]);
  });

  const forgeries: Record<string, [rule: string, forge: () => Shown]> = {
    "a lane that says it is alice's": [
      "lane not delegated",
      () => {
        const { alice, bob, eve } = cast();
        const { head, records } = eveCommits(eve.undelegatedLaneTo(bob, alice));
        return { head, records: [...records, ...alice.identity.frames] };
      },
    ],
    "a lane that says it is alice's, which eve has delegated": [
      "lane not delegated",
      () => {
        const { alice, bob, eve } = cast();
        const { head, records } = eveCommits(eve.laneTo(bob, alice));
        return { head, records: [...records, ...alice.identity.frames, ...eve.identity.frames] };
      },
    ],
    "a lane of hers that she has not delegated": [
      "lane not delegated",
      () => {
        const { bob, eve } = cast();
        const { head, records } = eveCommits(eve.undelegatedLaneTo(bob));
        return { head, records: [...records, ...eve.identity.frames] };
      },
    ],
    "a lane of hers that she has revoked": [
      "lane not delegated",
      () => {
        const { bob, eve } = cast();
        const lane = eve.laneTo(bob);
        const { head, records } = eveCommits(lane);
        eve.identity.add({ verb: "revoke", target: lane.address });
        return { head, records: [...records, ...eve.identity.frames] };
      },
    ],
    "a session over alice's lane": [
      "session not vouched for",
      () => {
        const { head, session } = eveCommits(shared.lane, { vouched: false });
        return { head, records: [...session.s.frames, ...session.contexts, ...shared.records] };
      },
    ],
    "a session that her lane vouches for towards somebody else": [
      "session not vouched for",
      () => {
        const { bob, eve, dave } = cast();
        const lane = eve.laneTo(bob);
        const { head, session } = eveCommits(lane, { vouched: false });
        lane.add({ verb: "vouch", target: session.s.address, scope: dave.address });
        const records = [...session.s.frames, ...session.contexts, ...lane.frames];
        return { head, records: [...records, ...eve.identity.frames] };
      },
    ],
    "a session with another receiver than its lane's": [
      "lane to another receiver",
      () => {
        const { bob, eve, dave } = cast();
        const { head, records } = eveCommits(eve.laneTo(bob), { receiver: dave });
        return { head, records: [...records, ...eve.identity.frames] };
      },
    ],
    "a context that stands on an older frame than the one before its claim": [
      "context not claimed",
      () => {
        const { bob, eve } = cast();
        const lane = eve.laneTo(bob);
        const { head, session } = eveCommits(lane);
        const said = session.contexts.find(({ address }) => address === head.context)!;
        const older = tampered(said, ({ rel8ns }) => (rel8ns.session = [session.s.frames[1]!.address]));
        session.s.add({ verb: "sync", target: older.address });
        const records = [...session.s.frames, older, ...lane.frames, ...eve.identity.frames];
        return { head: { ...head, context: older.address }, records };
      },
    ],
    "a record of another kind for a context": [
      "not a sender's commit",
      () => {
        const { bob, eve } = cast();
        const lane = eve.laneTo(bob);
        const { head, session } = eveCommits(lane);
        const said = session.contexts.find(({ address }) => address === head.context)!;
        const other = tampered(said, (loose) => {
          loose.ib = "context.other";
          loose.rel8ns.session = [session.s.state.tip];
        });
        session.s.add({ verb: "sync", target: other.address });
        const records = [...session.s.frames, other, ...lane.frames, ...eve.identity.frames];
        return { head: { ...head, context: other.address }, records };
      },
    ],
    "two frames with one number": [
      "session: another past",
      () => {
        const { bob, eve } = cast();
        const lane = eve.laneTo(bob);
        const { head, records, session } = eveCommits(lane);
        const fork = tampered(session.s.frames[2]!, ({ data }) => (data.proofs[0].claim.target = "00"));
        return { head, records: [...records, fork, ...eve.identity.frames] };
      },
    ],
    "a list that she only asked for": ["not a sender's commit", () => inTurn("sender", "init")],
    "a list that she offered": ["not a sender's commit", () => inTurn("sender", "offer")],
  };

  /** The entry in a list of another turn than a commit. */
  function inTurn(role: "sender" | "receiver", type: string): Shown {
    const { bob, eve, entry } = cast();
    const lane = eve.laneTo(bob);
    const session = new Session(eve, bob, lane);
    const saga = "00".repeat(16);
    if (type !== "init") session.say("sender", { type: "init", saga });
    if (type !== "init" && role === "sender") session.say("receiver", { type: "ack" });
    const context = session.say(role, { type, entries: [entry], ...(type === "init" && { saga }) });
    const [head] = attestHeads([entry], context.address);
    const frames = [...session.s.frames, ...session.r.frames, ...lane.frames, ...eve.identity.frames];
    return { head, records: [...frames, ...session.contexts] };
  }

  test.each(Object.entries(forgeries))("%s proves nothing", (_, [rule, forge]) => {
    expect(check(forge())).toBe(`attestation_refused: ${rule}`);
  });

  test.each(["commit", "receipt"])("a %s of the receiver's proves nothing", (type) => {
    expect(check(inTurn("receiver", type))).toBe("attestation_refused: not a sender's commit");
  });

  test("R in the place of S proves nothing, even with a commit of a sender's form", () => {
    const { bob, eve, entry } = cast();
    const lane = eve.laneTo(bob);
    const session = new Session(eve, bob, lane);
    const said = session.commit([entry]);
    const forged = tampered(said, ({ rel8ns }) => (rel8ns.session = [session.r.state.tip]));
    session.r.add({ verb: "sync", target: forged.address });
    const [head] = attestHeads([entry], forged.address);
    const records = [...session.r.frames, forged, ...lane.frames, ...eve.identity.frames];
    expect(check({ head, records })).toBe("attestation_refused: session: session details");
  });
});

describe("evidence travels", () => {
  const evidence: Evidence[] = [...shared.records.map(toText), ...shared.heads];

  test("as payload of its own kind, and comes out as it was", () => {
    const content = readPayload(evidenceFrame(evidence));
    expect(content).toEqual({ records: [], entries: [], evidence });
    const { records, heads } = readEvidence(content.evidence);
    expect(checkAttested(heads, records)).toHaveLength(3);
  });

  const head: AttestedHead = shared.head;
  const wrong: Record<string, unknown> = {
    "no list": {},
    "an empty list": [],
    "something else in it": [...evidence, "frame"],
    "a member more": [{ ...head, more: 1 }],
    "a member less": [{ entry: head.entry, context: head.context }],
    "a head of another timeline than its entry's": [{ ...head, entry: { ...head.entry, tjp: head.context } }],
    "an index that is no number of an entry": [{ ...head, index: -1 }],
    "a path of other than hashes": [{ ...head, path: ["00"] }],
    "a part of a record": [["context", "", ""]],
  };

  test.each(Object.entries(wrong))("but not with %s", (_, list) => {
    const frame = concatBytes(Uint8Array.of(3), utf8(canonicalJson(list)));
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
});

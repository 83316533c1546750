import { describe, expect, it, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { decodeRecord, type IbGib } from "../../src/ibgib/index.js";
import { checkFrame, nextFrame, signFrame } from "../../src/keystone/index.js";
import { challengePath, freshPool, isCommitted } from "../../src/keystone/pool.js";
import { mayFork } from "../one-time/ledger.js";
import {
  bytesOf,
  forged,
  type Loose,
  type LooseFrame,
  longPool,
  makeFrame,
  newKeystone,
  outcome,
  secretFor,
  stepped,
  syncPool,
  tampered,
} from "./keystones.js";

const connect = { verb: "connect", target: "hash of the handshake", scope: "receiver", demanded: [1, 3] };
const sync = { verb: "sync", target: "context^" };
const recover = { verb: "recover", target: "x" };
const vouch = { verb: "vouch", target: "S" };

const session = newKeystone();
const connected = stepped(session, connect);
const long = stepped(newKeystone({ pools: [longPool(11), syncPool] }), recover);
const lane = newKeystone({
  kind: "lane",
  pools: [{ ...syncPool, config: { ...syncPool.config, verbs: ["vouch"] } }],
});

const check = (state: typeof session, frame: IbGib, demand?: readonly number[]) =>
  outcome(() => checkFrame(state, frame, demand));

describe("eve, who sees a frame, changes it and makes its gib right again", () => {
  const frames = {
    "a connect frame": { state: session, frame: makeFrame(session, connect) },
    "a sync frame": { state: connected, frame: makeFrame(connected, sync) },
    "a frame with a Merkle path": { state: long, frame: makeFrame(long, recover) },
  };

  describe.each(Object.entries(frames))("%s", (_, { state, frame }) => {
    it("is valid as it is", () => {
      expect(check(state, frame)).toBe("accepted");
    });

    it("is refused with any single bit of its bytes flipped", () => {
      for (let at = 0; at < frame.bytes.length; at++) {
        const bytes = frame.bytes.slice();
        bytes[at]! ^= 1 << (at % 7);
        expect(
          outcome(() => checkFrame(state, decodeRecord(bytes))),
          `byte ${at}`,
        ).not.toBe("accepted");
      }
    });

    it("is refused with any single value changed, removed, doubled or added (threat 8)", () => {
      const places = [...placesIn({ ib: frame.ib, data: frame.data, rel8ns: frame.rel8ns })];
      expect(places.length).toBeGreaterThan(30);
      for (const place of places) {
        for (const [name, change] of Object.entries(changes)) {
          const attempt = () =>
            checkFrame(
              state,
              tampered(frame, (loose) => change(loose, place)),
            );
          expect(outcome(attempt), `${name} at ${place.join(".")}`).not.toBe("accepted");
        }
      }
    });
  });

  const [one] = [frames["a connect frame"]];
  const other = makeFrame(newKeystone({ nonce: bytesOf(3) }), connect);
  const elsewhere = mayFork(() => makeFrame(session, { ...connect, target: "another handshake" }));
  const attacks: Record<string, { change: (frame: LooseFrame) => void; expected: string }> = {
    "strips the proof": {
      change: ({ data }) => (data.proofs = []),
      expected: "frame_refused: shape",
    },
    "doubles the proof": {
      change: ({ data }) => data.proofs.push(data.proofs[0]),
      expected: "frame_refused: shape",
    },
    "points the claim elsewhere": {
      change: ({ data }) => (data.proofs[0].claim.target = "eve"),
      expected: "wrong_solution: signature",
    },
    "drops the scope": {
      change: ({ data }) => delete data.proofs[0].claim.scope,
      expected: "wrong_solution: signature",
    },
    "takes the solutions of another keystone": {
      change: ({ data }) => (data.proofs = proofsOf(other)),
      expected: "wrong_solution: challenge",
    },
    "takes the signatures of another frame of the same keys": {
      change: ({ data }) => (data.proofs[0].solutions = proofsOf(elsewhere)[0].solutions),
      expected: "wrong_solution: signature",
    },
    "swaps the two signatures": {
      change: ({ data: { proofs } }) => {
        const [a, b] = proofs[0].solutions;
        [a.signature, b.signature] = [b.signature, a.signature];
      },
      expected: "wrong_solution: signature",
    },
    "swaps the two solutions": {
      change: ({ data }) => data.proofs[0].solutions.reverse(),
      expected: "wrong_solution: which challenges",
    },
    "leaves one solution": {
      change: ({ data }) => data.proofs[0].solutions.pop(),
      expected: "wrong_solution: which challenges",
    },
    "shows one solution twice": {
      change: ({ data: { proofs } }) => (proofs[0].solutions[1] = proofs[0].solutions[0]),
      expected: "challenge_reused",
    },
    "adds a solution for an index never issued": {
      change: ({ data: { proofs } }) => proofs[0].solutions.push({ ...proofs[0].solutions[0], index: 9 }),
      expected: "wrong_solution: which challenges",
    },
    "uses a key of her own": {
      change: ({ data: { proofs } }) =>
        (proofs[0].solutions[0].publicKey = proofsOf(other)[0].solutions[0].publicKey),
      expected: "wrong_solution: challenge",
    },
    "writes a key in capitals": {
      change: ({ data: { proofs } }) => (proofs[0].solutions[0].publicKey = "AB".repeat(32)),
      expected: "frame_refused: shape",
    },
    "gives the path that a root would need": {
      change: ({ data: { proofs } }) => (proofs[0].solutions[0].path = []),
      expected: "wrong_solution: challenge",
    },
    "slips another pool's challenge in": {
      change: ({ data }) => (data.pools[1].open[0].commitment = "00".repeat(32)),
      expected: "frame_refused: pools",
    },
  };

  test.each(Object.entries(attacks))("eve %s", (_, { change, expected }) => {
    expect(check(one.state, tampered(one.frame, change))).toBe(expected);
  });

  it("cannot use a frame in another keystone, or twice", () => {
    expect(check(newKeystone({ nonce: bytesOf(3) }), one.frame)).toBe("frame_refused: another keystone");
    expect(check(connected, one.frame)).toBe("frame_refused: another past");
  });

  it("cannot present a spent one-time key in a new frame (threat 5)", () => {
    const spent = proofsOf(one.frame)[0].solutions;
    const frame = tampered(makeFrame(connected, { ...connect, demanded: [0, 2] }), ({ data }) => {
      data.proofs[0].solutions = spent;
    });
    expect(check(connected, frame)).toBe("challenge_reused");
  });

  it("cannot use the path or the leaf of another challenge behind the root", () => {
    const frame = makeFrame(long, recover);
    const later = makeFrame(stepped(long, recover), recover);
    const [solution] = proofsOf(later)[0].solutions;
    const withPath = tampered(frame, ({ data }) => (data.proofs[0].solutions[0].path = solution.path));
    const withLeaf = tampered(frame, ({ data }) => (data.proofs[0].solutions[0] = { ...solution, index: 1 }));
    const withIndex = tampered(frame, ({ data }) => (data.proofs[0].solutions[0] = solution));
    expect(check(long, withPath)).toBe("wrong_solution: challenge");
    expect(check(long, withLeaf)).toBe("wrong_solution: challenge");
    expect(check(long, withIndex)).toBe("wrong_solution: which challenges");
  });

  it("cannot open a challenge behind the root a second time", () => {
    const next = stepped(long, recover);
    const spent = proofsOf(makeFrame(long, recover))[0].solutions;
    const frame = tampered(makeFrame(next, recover), ({ data }) => (data.proofs[0].solutions = spent));
    expect(check(next, frame)).toBe("challenge_reused");
  });

  it("cannot pass one challenge off as another, even where two commit to one key", () => {
    const { config } = longPool(8);
    const commitments = Array.from({ length: 8 }, () => "00".repeat(32));
    const pool = freshPool("long", config, commitments);
    const path = challengePath("long", commitments, 0);
    expect(isCommitted(pool, 0, commitments[0]!, path)).toBe(true);
    expect(isCommitted(pool, 1, commitments[1]!, path)).toBe(false);
  });

  it("pays nothing but hashes for a forged key", () => {
    // A right commitment beside a wrong signature is what only someone who saw the key can send.
    const frame = tampered(one.frame, ({ data }) => {
      data.proofs[0].solutions[0].signature = "00".repeat(64);
      data.proofs[0].solutions[1].publicKey = "00".repeat(32);
    });
    expect(check(one.state, frame)).toBe("wrong_solution: challenge");
  });
});

describe("mallory, who holds the keys, signs a frame that breaks a rule (threat 15)", () => {
  const attacks: Record<string, { change: (frame: LooseFrame) => void; expected: string }> = {
    "skips a number": { change: ({ data }) => (data.n = 3), expected: "frame_refused: number" },
    "names another keystone": {
      change: ({ rel8ns }) => (rel8ns.tjp = [newKeystone({ nonce: bytesOf(3) }).tjp]),
      expected: "frame_refused: another keystone",
    },
    "calls it another kind": {
      change: (frame) => (frame.ib = "keystone.lane"),
      expected: "frame_refused: kind",
    },
    "links something more": {
      change: ({ rel8ns }) => (rel8ns.friend = rel8ns.past),
      expected: "frame_refused: shape",
    },
    "adds details to a session": {
      change: ({ data }) => (data.details = { hostKeys: [] }),
      expected: "frame_refused: details outside an identity",
    },
    "adds a revocation to a session": {
      change: ({ data }) => (data.revocation = { last: "x" }),
      expected: "frame_refused: details outside an identity",
    },
    "changes a config": {
      change: ({ data }) => (data.pools[1].config.verbs = ["sync", "connect"]),
      expected: "frame_refused: pools",
    },
    "changes the config of the pool that signs": {
      change: ({ data }) => (data.pools[1].config.size = 2),
      expected: "frame_refused: pools",
    },
    "changes a challenge of the other pool": {
      change: ({ data }) => (data.pools[0].open[0].commitment = "00".repeat(32)),
      expected: "frame_refused: pools",
    },
    "takes a challenge out of the other pool": {
      change: ({ data }) => data.pools[0].open.pop(),
      expected: "frame_refused: pools",
    },
    "adds a challenge to the other pool": {
      change: ({ data }) => data.pools[0].open.push({ index: 4, commitment: "00".repeat(32) }),
      expected: "frame_refused: pools",
    },
    "adds a pool": {
      change: ({ data }) => data.pools.push({ ...data.pools[1], name: "more" }),
      expected: "frame_refused: pools",
    },
    "removes a pool": { change: ({ data }) => data.pools.shift(), expected: "frame_refused: pools" },
    "reorders the pools": { change: ({ data }) => data.pools.reverse(), expected: "frame_refused: pools" },
    "does not count what was used": {
      change: ({ data }) => (data.pools[1].used = 0),
      expected: "frame_refused: pools",
    },
    "keeps the spent challenge open": {
      change: ({ data }) => data.pools[1].open.unshift({ index: 0, commitment: "00".repeat(32) }),
      expected: "frame_refused: pools",
    },
    "tops nothing up": {
      change: ({ data }) => (data.pools[1].open = []),
      expected: "frame_refused: replacements",
    },
    "tops up with an index out of turn": {
      change: ({ data }) => (data.pools[1].open[0].index = 2),
      expected: "frame_refused: replacements",
    },
    "tops up more than was spent": {
      change: ({ data }) => data.pools[1].open.push({ index: 2, commitment: "00".repeat(32) }),
      expected: "frame_refused: pools",
    },
    "names ids that nobody may demand here": {
      change: ({ data }) => (data.proofs[0].demanded = [0]),
      expected: "wrong_demand: count",
    },
    "claims a verb of another pool": {
      change: ({ data }) => (data.proofs[0].claim.verb = "connect"),
      expected: "verb_not_allowed",
    },
  };

  test.each(Object.entries(attacks))("mallory %s", (_, { change, expected }) => {
    expect(check(connected, forged(connected, sync, change))).toBe(expected);
  });

  it("cannot name a pool that is not there", () => {
    const mine = mayFork(() => makeFrame(connected, sync));
    const frame = tampered(mine, ({ data }) => (data.proofs[0].pool = "none"));
    expect(check(connected, frame)).toBe("frame_refused: unknown pool");
  });

  it("cannot top up a pool that is used up", () => {
    const frame = forged(session, connect, ({ data }) =>
      data.pools[0].open.push({ index: 4, commitment: "00".repeat(32) }),
    );
    expect(check(session, frame)).toBe("frame_refused: pools");
  });

  it("cannot change the root of a pool, or open a challenge before its turn", () => {
    const root = forged(long, recover, ({ data }) => (data.pools[0].open.root = "00".repeat(32)));
    expect(check(long, root)).toBe("frame_refused: pools");
    const ahead = forged(long, recover, ({ data }) => (data.proofs[0].solutions[0].index = 2));
    expect(check(long, ahead)).toBe("wrong_solution: which challenges");
  });

  it("may say more in an identity's frame, and nowhere else", () => {
    const identity = newKeystone({ kind: "identity", pools: [syncPool] });
    const details = { hostKeys: ["00"] };
    const frame = mayFork(() => makeFrame(identity, { ...sync, details }));
    const { state, ...said } = checkFrame(identity, frame);
    expect(said).toEqual({ claim: sync, details, revocation: undefined });
    expect(state.details).toEqual({ note: "x" });
    expect(
      check(
        lane,
        forged(lane, vouch, ({ data }) => (data.details = details)),
      ),
    ).toBe("frame_refused: details outside an identity");
    expect(() => nextFrame(lane, { ...vouch, details }, secretFor)).toThrow(/keysaga bug/);
  });
});

describe("a demand", () => {
  const frame = makeFrame(session, connect);

  test.each([
    ["in the order of the frame", [1, 3], "accepted"],
    ["in another order", [3, 1], "accepted"],
    ["for other ids", [1, 2], "wrong_demand: not what was demanded"],
    ["for fewer", [1], "wrong_demand: not what was demanded"],
    ["for none", [], "wrong_demand: not what was demanded"],
    ["for one twice", [1, 1], "wrong_demand: not what was demanded"],
  ])("%s: %j is %s", (_, demand, expected) => {
    expect(check(session, frame, demand)).toBe(expected);
  });

  test.each([
    ["fewer", session, [1], "wrong_demand: count"],
    ["none", session, [], "wrong_demand: count"],
    ["more", session, [0, 1, 2], "wrong_demand: count"],
    ["repeated", session, [1, 1], "wrong_demand: repeated or not rising"],
    ["unknown", session, [1, 4], "wrong_demand: unknown"],
    ["negative", session, [-1, 1], "wrong_demand: unknown"],
    ["spent", connected, [0, 1], "wrong_demand: spent"],
  ])("for %s ids is refused before anything is signed", (_, state, demanded, expected) => {
    let asked = 0;
    const counting = () => {
      asked++;
      return secretFor();
    };
    expect(outcome(() => nextFrame(state, { ...connect, demanded }, counting))).toBe(expected);
    expect(asked).toBe(0);
  });

  it("to a pool that takes none is refused on both sides", () => {
    expect(outcome(() => nextFrame(connected, { ...sync, demanded: [1] }, secretFor))).toBe(
      "wrong_demand: count",
    );
    expect(check(connected, makeFrame(connected, sync), [1])).toBe("wrong_demand: not what was demanded");
  });

  it("cannot be answered once the pool is empty", () => {
    const empty = mayFork(() => stepped(connected, { ...connect, demanded: [0, 2] }));
    expect(outcome(() => nextFrame(empty, connect, secretFor))).toBe("pool_exhausted");
    const [mine, first] = mayFork(() => [makeFrame(empty, sync), makeFrame(session, connect)]);
    const frame = tampered(mine!, ({ data }) => {
      data.proofs[0] = { ...proofsOf(first!)[0] };
    });
    expect(check(empty, frame)).toBe("pool_exhausted");
  });
});

describe("the wrong secret", () => {
  const wrong = () => bytesOf(9);

  it("makes no frame", () => {
    for (const [state, options] of [
      [session, connect],
      [connected, sync],
      [long, recover],
    ] as const) {
      expect(outcome(() => nextFrame(state, options, wrong))).toBe("wrong_solution: another secret");
    }
  });

  it("makes no valid signature, and no error shows a secret (threat 19)", () => {
    const frame = signFrame(nextFrame(connected, sync, secretFor), connected, wrong);
    expect(() => checkFrame(connected, frame)).toThrow(KeysagaError);
    try {
      checkFrame(connected, frame);
    } catch (thrown) {
      expect(String(thrown)).not.toMatch(/[0-9a-f]{8}/i);
    }
  });
});

function proofsOf(frame: IbGib): Loose {
  return structuredClone((frame.data as Loose).proofs);
}

type Place = readonly (string | number)[];

/** The place of every member and every entry inside `value`. */
function* placesIn(value: Loose, at: Place = []): Generator<Place> {
  if (at.length > 0) yield at;
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) yield* placesIn(value[key], [...at, key]);
}

/** Each changes a frame at one place, whatever lies there. */
const changes: Record<string, (frame: LooseFrame, place: Place) => void> = {
  change: (frame, place) => replace(frame, place, changedValue),
  remove: (frame, place) => replace(frame, place, () => undefined),
  double: (frame, place) =>
    replace(frame, place, (value) => (Array.isArray(value) ? [...value, ...value, 0] : [value])),
  add: (frame, place) =>
    replace(frame, place, (value) =>
      typeof value === "object" && !Array.isArray(value) ? { ...value, more: 1 } : `${value}0`,
    ),
};

function replace(frame: LooseFrame, place: Place, change: (value: Loose) => Loose): void {
  const holder: Loose = place.slice(0, -1).reduce((inner: Loose, key) => inner[key], frame);
  const key = place.at(-1)!;
  const value = change(holder[key]);
  if (value !== undefined) holder[key] = value;
  else if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function changedValue(value: Loose): Loose {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return (value.startsWith("a") ? "b" : "a") + value.slice(1);
  return Array.isArray(value) ? value.slice(1) : {};
}

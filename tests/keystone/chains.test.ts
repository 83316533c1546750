import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IbGib } from "../../src/ibgib/index.js";
import {
  advance,
  checkFrame,
  type KeystoneState,
  nextFrame,
  type PoolConfig,
  type PoolSpec,
  signFrame,
  startReplay,
} from "../../src/keystone/index.js";
import { isOpen, issuedCount } from "../../src/keystone/pool.js";
import {
  bytesOf,
  connectPool,
  firstFrame,
  type Loose,
  longPool,
  makeFrame,
  newKeystone,
  outcome,
  secretFor,
  stepped,
  stored,
  syncPool,
} from "./keystones.js";

const sync = { verb: "sync", target: "context" };
const connect = { verb: "connect", target: "handshake", demanded: [3, 0] };

describe("a chain", () => {
  it("of a session: connect, then one frame a turn", () => {
    let state = stepped(newKeystone(), connect);
    expect(state.pools[0]).toMatchObject({ used: 2, open: [{ index: 1 }, { index: 2 }] });
    for (let turn = 2; turn <= 60; turn++) {
      const { state: next, claim } = checkFrame(state, makeFrame(state, { ...sync, target: `turn ${turn}` }));
      expect(claim).toEqual({ verb: "sync", target: `turn ${turn}` });
      expect(next).toMatchObject({ n: turn, tjp: state.tjp, kind: "session", details: { note: "x" } });
      state = next;
    }
    expect(state.pools[1]).toMatchObject({ used: 59, open: [{ index: 59 }] });
  });

  it("comes out the same whether its frames are checked or, once checked, only read", () => {
    const first = startReplay(firstFrame(), "session");
    const frame = makeFrame(first, connect);
    expect(advance(first, frame)).toEqual(checkFrame(first, frame));
  });

  it("is not read over a gap", () => {
    const first = newKeystone();
    const later = makeFrame(stepped(first, connect), sync);
    expect(outcome(() => advance(first, later))).toBe("frame_refused: another past");
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33])(
    "spends a pool of %i to the last challenge",
    (size) => {
      const recover = { verb: "recover", target: "x" };
      let state = newKeystone({ kind: "identity", pools: [longPool(size)] });
      for (let spent = 1; spent <= size; spent++) {
        state = stepped(state, recover);
        expect(state.pools[0]?.used).toBe(spent);
      }
      expect(outcome(() => nextFrame(state, recover, secretFor))).toBe("pool_exhausted");
    },
  );
});

describe("a signer", () => {
  it("makes the same bytes from the same reservation, before and after a crash (threat 5)", () => {
    for (const [state, options] of [
      [newKeystone(), connect],
      [stepped(newKeystone(), connect), sync],
      [newKeystone({ pools: [longPool(9)] }), { verb: "recover", target: "x", scope: "y" }],
    ] as const) {
      const unsigned = nextFrame(state, options, secretFor);
      const again = stored(unsigned);
      expect(again).toEqual(unsigned);
      expect(signFrame(again, state, secretFor).bytes).toEqual(signFrame(unsigned, state, secretFor).bytes);
      expect(nextFrame(state, options, secretFor)).toEqual(unsigned);
    }
  });

  it("never signs on another tip than the one it reserved for", () => {
    const state = stepped(newKeystone(), connect);
    const unsigned = nextFrame(state, sync, secretFor);
    expect(() => signFrame(unsigned, stepped(state, sync), secretFor)).toThrow(/keysaga bug/);
  });

  it("has no pool for a verb that none allows", () => {
    const state = newKeystone();
    expect(outcome(() => nextFrame(state, { verb: "revoke", target: "x" }, secretFor))).toBe(
      "verb_not_allowed",
    );
  });

  it("does not read back a reservation that was damaged", () => {
    const unsigned: Loose = nextFrame(newKeystone(), connect, secretFor);
    const damage: Record<string, (frame: Loose) => void> = {
      "signed already": (frame) => (frame.data.proofs[0].solutions[0].signature = "00".repeat(64)),
      "another ib": (frame) => (frame.ib = "keystone"),
      "no past": (frame) => delete frame.rel8ns.past,
      "an extra member": (frame) => (frame.gib = ""),
    };
    for (const [name, change] of Object.entries(damage)) {
      const frame: Loose = structuredClone(unsigned);
      change(frame);
      expect(
        outcome(() => stored(frame)),
        name,
      ).toBe("frame_refused: shape");
    }
  });

  it("takes each pool's keys from that pool's own secret", () => {
    const secrets = (pool: string) => bytesOf(pool === "long" ? 7 : 1);
    const pools = [longPool(5), syncPool];
    const both = newKeystone({ kind: "identity", pools });
    const recover = { verb: "recover", target: "x" };
    expect(outcome(() => nextFrame(both, sync, secrets))).toBe("accepted");
    expect(outcome(() => nextFrame(both, recover, secrets))).toBe("wrong_solution: another secret");
  });
});

/** Any pool that a config allows, with a verb of its own. */
const anyPool: fc.Arbitrary<PoolConfig> = fc
  .record({
    layer: fc.constantFrom("demanded" as const, "fifo" as const),
    count: fc.integer({ min: 1, max: 3 }),
    replenish: fc.constantFrom("top-up" as const, "consume" as const),
    more: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ layer, count, replenish, more }) => {
    const size = count + more;
    const fifo = layer === "fifo" ? count : 0;
    return {
      strategy: "ed25519-once",
      verbs: ["act"],
      demanded: count - fifo,
      fifo,
      replenish,
      size,
      commit: fifo > 0 && replenish === "consume" && size > 4 ? "merkle" : "list",
    };
  });

describe("whatever its pools", () => {
  it("a keystone spends each one-time key once, and each of its frames fits only after the one before (threat 5)", () => {
    const picks = fc.array(fc.nat(), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(anyPool, fc.array(picks, { minLength: 1, maxLength: 6 }), (config, rounds) => {
        const walk = walkChain([{ name: "pool", config }, connectPool], rounds);
        const keys = walk.frames.flatMap(publicKeysOf);
        const perFrame = config.demanded + config.fifo;
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys.length).toBe(walk.frames.length * perFrame);
        const longest = config.replenish === "top-up" ? rounds.length : Math.floor(config.size / perFrame);
        expect(walk.frames.length).toBe(Math.min(rounds.length, longest));
        for (const [at, frame] of walk.frames.entries()) {
          for (const [before, state] of walk.states.entries()) {
            expect(outcome(() => checkFrame(state, frame)) === "accepted").toBe(before === at);
          }
        }
      }),
      { numRuns: Number(process.env["KEYSAGA_RUNS"] ?? 25) },
    );
  });
});

/** One frame a round until the rounds or the challenges end; `rounds` pick the ids a verifier demands. */
function walkChain(pools: readonly PoolSpec[], rounds: readonly (readonly number[])[]) {
  const states: KeystoneState[] = [newKeystone({ pools })];
  const frames: IbGib[] = [];
  for (const picks of rounds) {
    const state = states.at(-1)!;
    const demanded = pickDemand(state, picks);
    if (demanded === undefined) break;
    const frame = makeFrame(state, { verb: "act", target: "x", demanded });
    frames.push(frame);
    states.push(checkFrame(state, frame, demanded).state);
  }
  return { states, frames };
}

function pickDemand({ pools }: KeystoneState, picks: readonly number[]): number[] | undefined {
  const pool = pools[0]!;
  const open = Array.from({ length: issuedCount(pool) }, (_, index) => index).filter((i) => isOpen(pool, i));
  if (open.length < pool.config.demanded + pool.config.fifo) return undefined;
  return picks.slice(0, pool.config.demanded).map((pick) => open.splice(pick % open.length, 1)[0]!);
}

function publicKeysOf(frame: IbGib): string[] {
  return (frame.data as Loose).proofs[0].solutions.map((solution: Loose) => solution.publicKey);
}

import { describe, expect, it, test } from "vitest";
import { sealRecord } from "../../src/ibgib/index.js";
import { type PoolSpec, startReplay } from "../../src/keystone/index.js";
import {
  bytesOf,
  connectPool,
  firstFrame,
  type LooseFrame,
  longPool,
  outcome,
  syncPool,
  tampered,
  withConfig,
} from "./keystones.js";

describe("a genesis", () => {
  it("founds a keystone that stands at n=0 with all challenges open", () => {
    const first = firstFrame();
    const state = startReplay(first, "session");
    expect(state).toMatchObject({ kind: "session", n: 0, tjp: first.address, tip: first.address });
    expect(state.nonce).toEqual(bytesOf(2));
    expect(state.details).toEqual({ note: "x" });
    expect(state.pools.map(({ name, used }) => ({ name, used }))).toEqual([
      { name: "connect", used: 0 },
      { name: "sync", used: 0 },
    ]);
  });

  it("has another address for another nonce", () => {
    expect(firstFrame({ nonce: bytesOf(3) }).address).not.toBe(firstFrame().address);
  });

  it("is one record for ever", () => {
    // Pinned: the format is version 1.
    expect(firstFrame().address).toBe(
      "keystone.session^AF05A426C2AE849C69A6E87BC00750C4A190A47BAF155D576590EA74E88F5079",
    );
  });

  const attacks: Record<string, (frame: LooseFrame) => void> = {
    "another version": ({ data }) => (data.details.version = 2),
    "another kind in its details": ({ data }) => (data.details.kind = "lane"),
    "another kind in its ib": (frame) => (frame.ib = "keystone.lane"),
    "no nonce": ({ data }) => delete data.details.nonce,
    "a nonce in capitals": ({ data }) => (data.details.nonce = "AB".repeat(32)),
    "a short nonce": ({ data }) => (data.details.nonce = "00"),
    "details that are too long": ({ data }) => (data.details.note = "x".repeat(9000)),
    "a link": (frame) => (frame.rel8ns = { friend: [firstFrame().address] }),
    "a number": ({ data }) => (data.n = 1),
    "no isTjp": ({ data }) => delete data.isTjp,
    "a member of its own": ({ data }) => (data.extra = 1),
    "a proof": ({ data }) => (data.proofs = [{}]),
    "no pool": ({ data }) => (data.pools = []),
    "two pools of one name": ({ data }) => data.pools.push(data.pools[0]),
    "too many pools": ({ data }) =>
      (data.pools = Array.from({ length: 9 }, (_, at) => ({ ...data.pools[0], name: `p${at}` }))),
    "a pool name with a capital": ({ data }) => (data.pools[0].name = "Connect"),
    "spent challenges": ({ data }) => (data.pools[0].used = 1),
    "a challenge missing": ({ data }) => data.pools[0].open.pop(),
    "a challenge too many": ({ data }) => data.pools[0].open.push({ ...data.pools[0].open[0], index: 4 }),
    "challenges that start at 1": ({ data }) => (data.pools[0].open[0].index = 1),
    "challenges out of order": ({ data }) => data.pools[0].open.reverse(),
    "a root where a list belongs": ({ data }) => (data.pools[0].open = { root: "00".repeat(32) }),
    "a commitment in capitals": ({ data }) => (data.pools[0].open[0].commitment = "AB".repeat(32)),
    "an unknown strategy": ({ data }) => (data.pools[0].config.strategy = "none"),
    "no verb": ({ data }) => (data.pools[0].config.verbs = []),
    "a verb twice": ({ data }) => (data.pools[0].config.verbs = ["connect", "connect"]),
    "two selection layers": ({ data }) => (data.pools[0].config.fifo = 1),
    "no selection layer": ({ data }) => (data.pools[0].config.demanded = 0),
    "a demand larger than the pool": ({ data }) => (data.pools[0].config.demanded = 5),
    "a Merkle commitment to four": ({ data }) => (data.pools[0].config.commit = "merkle"),
    "an unknown replenishment": ({ data }) => (data.pools[0].config.replenish = "none"),
  };

  test.each(Object.entries(attacks))("with %s is refused", (_, change) => {
    expect(outcome(() => startReplay(tampered(firstFrame(), change), "session"))).toMatch(/^frame_refused/);
  });

  it("that is no keystone is refused", () => {
    expect(outcome(() => startReplay(sealRecord({ ib: "keystone.session" }), "session"))).toMatch(
      /^frame_refused/,
    );
  });
});

describe("a pool", () => {
  const founded = (spec: PoolSpec) => startReplay(firstFrame({ pools: [spec] }), "session").pools[0];

  it("of more than four that is used in order and never refilled shows a root", () => {
    expect(founded(longPool(4))?.open).toHaveLength(4);
    expect(founded(longPool(5))?.open).toEqual({ root: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test.each([
    ["a list of five used in order", withConfig(longPool(5), { commit: "list" })],
    ["a root over a topped-up pool", withConfig(syncPool, { size: 8, commit: "merkle" })],
    ["a root over a demanded pool", withConfig(connectPool, { size: 8, commit: "merkle" })],
    ["a list of seventeen", withConfig(syncPool, { size: 17 })],
    ["a size of none", withConfig(syncPool, { size: 0 })],
  ])("with %s cannot be made", (_, spec) => {
    expect(() => founded(spec)).toThrow(/keysaga bug/);
  });
});

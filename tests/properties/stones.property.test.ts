/** Graphs of stones that several people change under one timeline, through two receivers: in the end everybody has all. */
import { expect, test } from "vitest";
import {
  type Address,
  createTimeline,
  type IbGib,
  relate,
  saveRecords,
  sealRecord,
} from "../../src/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";

/** More of them: `KEYSAGA_STONE_SEEDS`. */
const seeds = Array.from({ length: Number(process.env["KEYSAGA_STONE_SEEDS"] ?? 12) }, (_, at) => at + 1);

/** Numbers below `below`, the same for one seed (xorshift). */
function choices(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  return (below) => {
    state = (state ^ (state << 13)) >>> 0;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state % below;
  };
}

/** Stones that link each other at random, old ones and new. */
class Pool {
  readonly #stones = new Map<Address, IbGib>();
  #made = 0;

  constructor(
    private readonly seed: number,
    private readonly pick: (below: number) => number,
  ) {}

  root(depth = 4): IbGib {
    const all = [...this.#stones.values()];
    if (depth === 0 || (all.length > 3 && this.pick(3) > 0))
      return all.length > 3 && this.pick(2) > 0 ? all[this.pick(all.length)]! : this.#leaf();
    const part = Array.from({ length: 1 + this.pick(4) }, () => this.root(depth - 1).address);
    return this.#keep(sealRecord({ ib: "node", data: { kind: this.pick(3) }, rel8ns: { part } }));
  }

  /** A stone with all that it leads to, dependencies first. */
  below(stone: IbGib, found = new Map<Address, IbGib>()): Map<Address, IbGib> {
    for (const part of stone.rel8ns?.["part"] ?? [])
      if (!found.has(part)) this.below(this.#stones.get(part)!, found);
    return found.set(stone.address, stone);
  }

  #leaf(): IbGib {
    const name = `${this.seed} ${this.#made++}`;
    return this.#keep(
      this.pick(3) > 0
        ? sealRecord({ ib: "bin", data: new TextEncoder().encode(name) })
        : sealRecord({ ib: "leaf", data: { name } }),
    );
  }

  #keep(stone: IbGib): IbGib {
    this.#stones.set(stone.address, stone);
    return stone;
  }
}

test.each(seeds)("from seed %i", async (seed) => {
  const pick = choices(seed);
  const pool = new Pool(seed, pick);
  const world = await createWorld({
    senders: ["alice", "carol", "erin"],
    receivers: ["bob", "dave"],
    seed: `stones ${seed}`,
  });
  const people = world.senders;
  const [alice, ...others] = people;
  const folder = await alice.timeline("folder");
  const first = createTimeline({ ib: "file", owner: alice.address, within: folder, uuid: "file" });
  const file = first.address;
  await saveRecords(alice, [first]);
  for (const other of others) await alice.share(folder, other);
  for (const at of ["bob", "dave"]) await alice.sync(folder, { at });
  for (const other of others) await other.sync(folder, { direction: "pull" });

  const edit = async (peer: SenderPeer) => {
    const stones = new Map<Address, IbGib>();
    const frames: IbGib[] = [];
    let last = await peer.tip(file);
    for (let edits = pick(3); edits >= 0; edits--) {
      const roots = Array.from({ length: 1 + pick(2) }, () => pool.root());
      for (const root of roots) pool.below(root, stones);
      const add = roots.map(({ address }) => address);
      const remove = (last.rel8ns?.["content"] ?? []).filter(
        (address) => pick(4) > 0 && !add.includes(address),
      );
      last = relate(last, { add: { content: add }, remove: { content: remove } }, { by: peer.address });
      frames.push(last);
    }
    await saveRecords(peer, [...stones.values(), ...frames]);
  };

  for (let step = 0; step < 14; step++) {
    const peer = people[pick(3)]!;
    if (pick(2) > 0) await edit(peer);
    const at = pick(3) > 0 ? "bob" : "dave";
    if (pick(3) > 0) await peer.sync(folder, { at, ...(pick(5) === 0 && { direction: "pull" as const }) });
  }
  for (let round = 0; round < 4; round++)
    for (const peer of people)
      for (const at of ["bob", "dave"]) expect((await peer.sync(folder, { at })).left).toEqual([]);

  const graph = await alice.graph(file);
  for (const peer of [...others, ...world.receivers]) {
    expect((await peer.tip(file)).address).toBe((await alice.tip(file)).address);
    expect(await peer.graph(file)).toEqual(graph);
    const open = (await peer.space.referencesFrom([file])).filter(({ isOpen }) => isOpen);
    expect(open).toEqual([]);
  }
  await world.close();
});

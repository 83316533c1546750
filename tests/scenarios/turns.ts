import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import type { Peer, SenderPeer } from "../../src/testing/index.js";
import { delegate } from "../protocol/delegations.js";

/** The table of turns in docs/protocol.md: for each kind of saga, where S and R stand when it is done. */
const turnTable = readTurnTable();

function readTurnTable(): ReadonlyMap<string, { s: number; r: number }> {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| (\w[\w ]*?) +\| .*? \| +(\d+) +\| +(\d+) +\|$/gm)];
  return new Map(rows.map(([, kind, s, r]) => [kind!, { s: Number(s), r: Number(r) }]));
}

/** So many frames of the peer's identity. */
export async function signOften({ identity }: Pick<Peer, "identity">, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await delegate(identity, `${time}`);
}

/** Both sides hold the same graphs and tips of `roots`. */
export async function expectInStep(a: Peer, b: Peer, roots: readonly Address[]): Promise<void> {
  for (const root of roots) {
    expect(await a.graph(root)).toEqual(await b.graph(root));
    expect(await a.space.tip(root)).toEqual(await b.space.tip(root));
  }
}

/**
 * Both sides stand at the newest frame of the lane; S and R stand exactly where the table of turns says that a saga of
 * this kind leaves them, and both sides hold the whole of both. A side for which nothing is new keeps nothing of it.
 */
export async function expectProved(a: SenderPeer, b: Peer, kind: string): Promise<void> {
  const [mine, theirs] = [await a.session(), await b.session()];
  const { s, r } = turnTable.get(kind) ?? expect.fail(`docs/protocol.md has no saga "${kind}"`);
  expect(standsAt(a)).toEqual({ s, r });
  for (const kept of [mine, theirs]) {
    const whole = [range(s), range(r)];
    const isKept = kind !== "same" || kept.s.length > 0;
    expect([numbers(kept.s), numbers(kept.r)]).toEqual(isKept ? whole : [[], []]);
  }
  if (mine.s.length > 0 && theirs.s.length > 0) {
    expect(addresses(theirs.s)).toEqual(addresses(mine.s));
    expect(addresses(theirs.r)).toEqual(addresses(mine.r));
  }
  expect(mine.vouching).toBeDefined();
  expect(theirs.vouching?.address).toBe(mine.vouching?.address);
}

/** The numbers of the newest frames of both sides' keystones in a peer's newest session, by what it was told. */
function standsAt({ events }: Peer): { readonly s: number; readonly r: number } {
  const turns = events.slice(events.findLastIndex(({ kind }) => kind === "connected"));
  const newest = (side: "sender" | "receiver") =>
    turns.reduce((n, event) => (event.kind === "turn" && event.from === side ? event.n : n), 1);
  return { s: newest("sender"), r: newest("receiver") };
}

const addresses = (frames: readonly IbGib[]) => frames.map(({ address }) => address);
const numbers = (frames: readonly IbGib[]) =>
  frames.map(({ data }) => (data && "n" in data ? data["n"] : undefined));
const range = (last: number) => Array.from({ length: last + 1 }, (_, n) => n);

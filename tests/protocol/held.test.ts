import { open as openDatabase } from "lmdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Address, addressOf, createTimeline, sealRecord } from "../../src/ibgib/index.js";
import { cellKinds, readCells } from "../../src/peer/home/cells.js";
import { saveRecords } from "../../src/peer/home/save-records.js";
import { openSpaceOn } from "../../src/space/lmdb-space.js";
import { openLmdbStore } from "../../src/space/lmdb-store.js";
import type { Store, Table } from "../../src/space/store.js";
import { InnerSpace } from "../../src/space/index.js";
import { createWorld, type SenderPeer, type World } from "../../src/testing/index.js";
import { newDirectory } from "../space/homes.js";

const tables: readonly Table[] = [
  "records",
  "relations",
  "references",
  "tips",
  "within",
  "frames",
  "batches",
  "holders",
  "stages",
  "portions",
  "proofs",
  "groups",
  "cells",
  "openers",
  "meta",
];

interface Held {
  /** All rows with their keys. */
  readonly rows: number;
  /** The pages that they lie in. */
  readonly pages: number;
}

function heldIn(store: Store, path: string): Held {
  let rows = 0;
  for (const table of tables)
    for (const page of store.scan(table)) for (const [key, value] of page) rows += key.length + value.length;
  return { rows, pages: pagesOf(path) };
}

/** Bytes of the pages in use; the file also has some that wait to be used again. */
function pagesOf(path: string): number {
  const counts = z.object({
    pageSize: z.number(),
    treeBranchPageCount: z.number(),
    treeLeafPageCount: z.number(),
    overflowPages: z.number(),
  });
  const options = { path, noSubdir: false, overlappingSync: false, eventTurnBatching: false };
  const { pageSize, ...pages } = counts.parse(openDatabase(options).getStats());
  return pageSize * Object.values(pages).reduce((sum, count) => sum + count, 0);
}

/** Fewer bytes lie in a page or two, of which no more is to be said. */
const pagesSay = 100_000;

describe("what a receiver holds for an identity is charged to it, within 1.5 times (K10) (threat 11)", () => {
  let world: World;
  let store: Store;
  let alice: SenderPeer;
  const path = newDirectory();

  beforeAll(async () => {
    store = await openLmdbStore(path);
    const spaces = [await openSpaceOn(store)];
    world = await createWorld({
      senders: ["alice"],
      seed: "held",
      space: () => spaces.shift() ?? new InnerSpace(),
    });
    [alice] = world.senders as [SenderPeer];
  });
  afterAll(() => world.close());

  async function charged(): Promise<number> {
    const cells = await readCells(world.receiver.space, cellKinds.usage, "");
    return cells.reduce((sum, { value }) => sum + value.bytes, 0);
  }

  async function expectCharged(happens: () => Promise<unknown>): Promise<void> {
    const before = { ...heldIn(store, path), charged: await charged() };
    await happens();
    const now = { ...heldIn(store, path), charged: await charged() };
    const more = (name: keyof typeof now) => now[name] - before[name];
    expect(more("charged")).toBeGreaterThanOrEqual(more("rows"));
    if (more("rows") > pagesSay) expect(more("charged") * 1.5).toBeGreaterThanOrEqual(more("pages"));
  }

  const connect = async () => {
    await alice.sender.connect();
    await alice.sender.disconnect();
  };

  test("its first connect", () => expectCharged(connect));

  test("200 connections that do nothing", () =>
    expectCharged(async () => {
      for (let times = 0; times < 200; times++) await connect();
    }));

  test("50 commits of one small edit; the transcripts that go meanwhile are charged no more", () =>
    expectCharged(async () => {
      const note = await alice.timeline("note");
      const more: number[] = [];
      for (let at = 0; at < 50; at++) {
        const before = await charged();
        await alice.edit(note, { at });
        await alice.sync(note);
        await alice.sender.disconnect();
        more.push((await charged()) - before);
      }
      expect(more.at(-1)).toBeLessThan(more[1]! / 3); // as much is held as before, but for the edit and its proof
    }));

  test("stones of one byte", () =>
    expectCharged(async () => {
      const stones = Array.from({ length: 3_000 }, (_, at) => sealRecord({ ib: "a", data: { at } }));
      const index = sealRecord({ ib: "x", rel8ns: { a: stones.map(({ address }) => address) } });
      await saveRecords(alice, [...stones, index]);
      await alice.sync(index.address);
    }));

  test("timelines of one frame", () =>
    expectCharged(async () => {
      const owner = alice.address;
      const notes = Array.from({ length: 1_000 }, (_, at) =>
        createTimeline({ ib: "a", owner, uuid: `${at}` }),
      );
      await saveRecords(alice, notes);
      await alice.sync(notes.map(({ address }) => address));
    }));

  test("entries of a list", () =>
    expectCharged(async () => {
      const note = await alice.timeline("shared");
      for (let at = 0; at < 100; at++) await alice.share(note, { address: identity(at) });
      await alice.sync(note);
    }));
});

/** Somebody whom nobody knows. */
function identity(at: number): Address {
  return addressOf("keystone.identity", at.toString(16).toUpperCase().padStart(64, "0"));
}

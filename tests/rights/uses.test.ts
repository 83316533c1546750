import { afterEach, describe, expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { type Identity, share, unshare, whoMay } from "../../src/peer/index.js";
import { Standing } from "../../src/peer/rights/standing.js";
import { claimUse } from "../../src/peer/rights/uses.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { codeOf } from "../protocol/lab.js";
import { newDirectory } from "../space/homes.js";
import { now, own, person } from "./parties.js";

const opened: Space[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((space) => space.close()));
});

/** A note that alice has let bob write `max` times, at her own receiver. */
async function counted(space: Space, max: number) {
  opened.push(space);
  const alice = await person(space);
  const note = await own(alice);
  const bob = (await person()).address;
  const uses = { max, receiver: alice.address };
  await share(alice, { timeline: note.address, with: bob, access: "write", uses });
  return { alice, note, bob };
}

/** What bob may do at alice's, or elsewhere, as it stands now. */
async function standingOf({ space, address }: Identity, bob: Address, self = address): Promise<Standing> {
  const standing = new Standing(bob, { space, self, access: "owners", now: () => now });
  await standing.load();
  return standing;
}

function outcomeOf(claim: Promise<boolean>): Promise<boolean | string> {
  return claim.catch((thrown: unknown) => codeOf(Promise.reject(thrown)));
}

const spaces: Readonly<Record<string, () => Promise<Space>>> = {
  InnerSpace: async () => new InnerSpace(),
  LmdbSpace: () => openLmdbSpace({ path: newDirectory() }),
};

describe.each(Object.entries(spaces))("an entry that counts its uses, in %s", (_, open) => {
  test("is honoured exactly as often as it says under 100 tries at once", async () => {
    const { alice, note, bob } = await counted(await open(), 7);
    const found = await Promise.all(Array.from({ length: 100 }, () => standingOf(alice, bob)));
    const outcomes = await Promise.all(
      found.map(async (standing) => {
        const { entry } = await standing.writes(note);
        return outcomeOf(claimUse(alice.space, bob, entry!, standing.relied));
      }),
    );
    expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(7);
    expect(outcomes.filter((outcome) => outcome === "entry_used_up")).toHaveLength(93);
    expect((await (await standingOf(alice, bob)).writes(note)).may).toBe(false);
    expect(await whoMay(alice, note.address)).toMatchObject([{ state: "used_up", used: 7 }]);
  });

  test("that lets in once does so once under 100 tries at once", async () => {
    const { alice, note, bob } = await counted(await open(), 1);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const standing = await standingOf(alice, bob);
        await standing.claim([note], "read");
        return standing.reads(note);
      }),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });

  test("is not used once it was withdrawn, although it was found in force before", async () => {
    const { alice, note, bob } = await counted(await open(), 7);
    const standing = await standingOf(alice, bob);
    const { entry } = await standing.writes(note);
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await claimUse(alice.space, bob, entry!, standing.relied)).toBe(false);
    expect(await whoMay(alice, note.address)).toMatchObject([{ state: "withdrawn" }]);
  });
});

test("what a saga has used stays in force for it, whatever the owner shares meanwhile", async () => {
  const { alice, note, bob } = await counted(new InnerSpace(), 1);
  const standing = await standingOf(alice, bob);
  await standing.claim([note], "read");
  expect(await standing.reads(note)).toBe(true);
  await share(alice, { timeline: (await own(alice)).address, with: bob, access: "write" });
  await standing.load();
  expect(await standing.reads(note)).toBe(true);
  await share(alice, { timeline: note.address, with: (await person()).address, access: "write" });
  await standing.refresh();
  expect(await standing.reads(note)).toBe(true);
  expect(await (await standingOf(alice, bob)).reads(note)).toBe(false);
});

test("only the receiver that counts lets an entry in (AL11)", async () => {
  const { alice, note, bob } = await counted(new InnerSpace(), 1);
  const elsewhere = await standingOf(alice, bob, (await person()).address);
  expect(await elsewhere.reads(note)).toBe(false);
});

test("an entry that counts is used only where no other lets in", async () => {
  const { alice, note, bob } = await counted(new InnerSpace(), 1);
  await share(alice, { timeline: note.address, with: bob, access: "read" });
  const standing = await standingOf(alice, bob);
  await standing.claim([note], "read");
  expect((await standing.writes(note)).entry?.uses).toBe(1);
  expect(await whoMay(alice, note.address)).toMatchObject([{ access: "write", used: 0 }, { access: "read" }]);
  expect((await (await standingOf(alice, alice.address)).writes(note)).entry).toBeUndefined();
});

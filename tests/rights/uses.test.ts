import { afterEach, describe, expect, test } from "vitest";
import { type Identity, share, unshare, whoMay } from "../../src/peer/index.js";
import { loadRights, type Rights } from "../../src/peer/rights/rights.js";
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

async function rightsOf(alice: Identity, bob: Identity["address"], self = alice.address): Promise<Rights> {
  return loadRights(alice.space, bob, { now, self });
}

function outcomeOf(claim: Promise<boolean>): Promise<boolean | string> {
  return claim.catch((thrown: unknown) => codeOf(Promise.reject(thrown)));
}

const spaces: Readonly<Record<string, () => Promise<Space>>> = {
  InnerSpace: async () => new InnerSpace(),
  LmdbSpace: () => openLmdbSpace({ path: newDirectory() }),
};

describe.each(Object.entries(spaces))("a grant that counts its uses, in %s", (_, open) => {
  test("is honoured exactly as often as it says under 100 tries at once", async () => {
    const { alice, note, bob } = await counted(await open(), 7);
    const found = await Promise.all(Array.from({ length: 100 }, () => rightsOf(alice, bob)));
    const outcomes = await Promise.all(
      found.map(({ grantFor, unmoved }) =>
        outcomeOf(claimUse(alice.space, grantFor(note, "write")!, unmoved)),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(7);
    expect(outcomes.filter((outcome) => outcome === "grant_used_up")).toHaveLength(93);
    expect((await rightsOf(alice, bob)).writes(note)).toBe(false);
    expect(await whoMay(alice, note.address)).toMatchObject([{ state: "used up", used: 7 }]);
  });

  test("is not used once it was taken back, although it was found in force before", async () => {
    const { alice, note, bob } = await counted(await open(), 7);
    const { grantFor, unmoved } = await rightsOf(alice, bob);
    await unshare(alice, { timeline: note.address, from: bob });
    expect(await claimUse(alice.space, grantFor(note, "write")!, unmoved)).toBe(false);
    expect(await whoMay(alice, note.address)).toMatchObject([{ state: "withdrawn", used: 0 }]);
  });
});

test("only the receiver that counts lets a grant in", async () => {
  const { alice, note, bob } = await counted(new InnerSpace(), 1);
  const elsewhere = await rightsOf(alice, bob, (await person()).address);
  expect(elsewhere.reads(note)).toBe(false);
});

test("a grant that counts is used only where no other lets in", async () => {
  const { alice, note, bob } = await counted(new InnerSpace(), 1);
  await share(alice, { timeline: note.address, with: bob, access: "read" });
  const { grantFor } = await rightsOf(alice, bob);
  expect(grantFor(note, "read")?.uses).toBeUndefined();
  expect(grantFor(note, "write")?.uses).toBe(1);
  expect((await rightsOf(alice, alice.address)).grantFor(note, "write")).toBeUndefined();
});

import { describe, expect, test } from "vitest";
import { type Address, type IbGib, nOf } from "../../src/ibgib/index.js";
import { sealGrant, sealWithdrawal } from "../../src/keystone/index.js";
import { identityFrames, internalsOf } from "../../src/peer/home/identity.js";
import { type Identity, share, unshare, verifySpace, whoMay } from "../../src/peer/index.js";
import { loadRights } from "../../src/peer/rights/rights.js";
import { statementsFor } from "../../src/peer/rights/statements.js";
import { tampered } from "../keystone/keystones.js";
import { codeOf } from "../protocol/lab.js";
import { bring, hear, now, own, person, platform, tell } from "./parties.js";

/** Alice has a note; carol runs a receiver that has it too; bob, dave and eve are about. */
async function cast() {
  const [alice, bob, carol, dave, eve] = await Promise.all([
    person(),
    person(),
    person(),
    person(),
    person(),
  ]);
  const note = await own(alice);
  await bring(carol, alice, [note]);
  return { alice, bob, carol, dave, eve, note };
}

async function mayAt({ space, address: self }: Identity, of: Identity, timeline: IbGib): Promise<string> {
  const rights = await loadRights(space, of.address, { now, self });
  return rights.writes(timeline) ? "write" : rights.reads(timeline) ? "read" : "nothing";
}

/** What came, in short: frames by number, statements by kind. */
function shortly(records: readonly IbGib[]): string {
  const names = records.map((record) => nOf(record) ?? record.ib.replace("keystone.", ""));
  return names.join(" ");
}

async function problemsOf({ space }: Identity): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const each of verifySpace(space))
    if (each.kind === "problem") found.push(`${each.problem.rule} ${each.problem.detail}`);
  return found;
}

/** A frame of `by`, signed for this test. */
async function state(by: Identity, frame: { verb: string; target: Address; scope?: Address }): Promise<void> {
  await internalsOf(by).signer.sign(async (signer) => {
    const held = await signer.load(by.address, "identity");
    return { requests: [{ held, frame }] };
  });
}

/** A grant that `by` states as it likes. */
async function statedGrant(by: Identity, issuer: Identity, to: Identity, timeline: IbGib): Promise<IbGib[]> {
  const says = { issuer: issuer.address, identity: to.address, timeline: timeline.address };
  const grant = sealGrant(platform.random.bytes(32), { ...says, access: "write" });
  await state(by, { verb: "grant", target: grant.address });
  return [...(await identityFrames(by)), grant];
}

describe("a grant travels", () => {
  test("and is kept once where it is told twice at once", async () => {
    const { alice, bob, carol, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "write" }, platform);
    const { records } = await statementsFor(alice, carol.address, [note.address]);
    await hear(carol, alice, [...records, ...records]);
    expect(await mayAt(carol, bob, note)).toBe("write");
    expect(await problemsOf(carol)).toEqual([]);
  });

  test("from its owner to a receiver that holds the timeline, which honours it from then on", async () => {
    const { alice, bob, carol, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "write" });
    expect(await mayAt(carol, bob, note)).toBe("nothing");
    expect(shortly(await tell(alice, carol, [note]))).toBe("0 1 grant");
    expect(await mayAt(carol, bob, note)).toBe("write");
    expect(await whoMay(carol, note.address)).toMatchObject([{ with: bob.address, state: "in force" }]);
    expect(await problemsOf(carol)).toEqual([]);
  });

  test("with its grantee to a receiver that has never met the owner", async () => {
    const { alice, bob, carol, dave, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "read" });
    await tell(alice, carol, [note]);
    await bring(bob, carol, [note]);
    await bring(dave, carol, [note]);
    await tell(carol, bob, [note]);
    expect(shortly(await tell(bob, dave, [note]))).toBe("0 1 grant");
    expect(await mayAt(dave, bob, note)).toBe("read");
  });

  test("once: a receiver is told what is new, and not told back what it said", async () => {
    const { alice, bob, carol, dave, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "write" });
    await tell(alice, carol, [note]);
    expect(await tell(alice, carol, [note])).toEqual([]);
    expect(await tell(carol, alice, [note])).toEqual([]);
    await share(alice, { timeline: note.address, with: dave.address, access: "write" });
    expect(shortly(await tell(alice, carol, [note]))).toBe("2 grant");
    expect(await mayAt(carol, dave, note)).toBe("write");
  });

  test("with the frame that makes it, also where its other timeline was told of before", async () => {
    const { alice, bob, carol, note } = await cast();
    const other = await own(alice);
    await share(alice, { timeline: other.address, with: bob.address, access: "read" });
    await share(alice, { timeline: note.address, with: bob.address, access: "read" });
    expect(shortly(await tell(alice, carol, [note]))).toBe("0 1 2 grant");
    expect(await mayAt(carol, bob, other)).toBe("nothing");
    expect(shortly(await tell(alice, carol, [other]))).toBe("1 grant");
    expect(await mayAt(carol, bob, other)).toBe("read");
  });

  test("with any of what is within the timeline", async () => {
    const { alice, bob, carol, note: folder } = await cast();
    const file = await own(alice, { within: folder.address });
    await share(alice, { timeline: folder.address, with: bob.address, access: "write" });
    await tell(alice, carol, [file]);
    expect(await mayAt(carol, bob, file)).toBe("write");
  });

  test("to read not to those it is nothing to; to write to all, who have to judge heads", async () => {
    const { alice, bob, carol, dave, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "read" });
    await tell(alice, carol, [note]);
    expect(await tell(carol, dave, [note])).toEqual([]);
    expect(shortly(await tell(carol, bob, [note]))).toBe("0 1 grant");
    await share(alice, { timeline: note.address, with: bob.address, access: "write" });
    await tell(alice, carol, [note]);
    expect(shortly(await tell(carol, dave, [note]))).toBe("0 1 2 grant");
  });

  test("before the timeline does, and counts once that has come and is its issuer's", async () => {
    const { alice, bob, carol, dave, eve, note } = await cast();
    await share(alice, { timeline: note.address, with: bob.address, access: "write" });
    await tell(alice, dave, [note]);
    expect(await mayAt(dave, bob, note)).toBe("write");
    await hear(dave, eve, await statedGrant(eve, eve, eve, note));
    expect(await mayAt(dave, eve, note)).toBe("nothing");
    await bring(dave, alice, [note]);
    expect(await whoMay(dave, note.address)).toMatchObject([{ with: bob.address }]);
    const told = await tell(dave, carol, [note]);
    expect(told.filter(({ ib }) => ib === "keystone.grant")).toHaveLength(1);
  });
});

describe("a withdrawal travels", () => {
  async function shared() {
    const people = await cast();
    const { alice, bob, carol, note } = people;
    const grant = await share(alice, { timeline: note.address, with: bob.address, access: "write" });
    await tell(alice, carol, [note]);
    return { ...people, grant };
  }

  test("to whoever was told of the grant, and ends it there", async () => {
    const { alice, bob, carol, note } = await shared();
    const before = await loadRights(carol.space, bob.address, { now, self: carol.address });
    await unshare(alice, { timeline: note.address, from: bob.address });
    expect(shortly(await tell(alice, carol, [note]))).toBe("2 withdrawal");
    expect(await mayAt(carol, bob, note)).toBe("nothing");
    const late = await carol.space.commit({
      holder: bob.address,
      sight: { holders: [] },
      cells: before.unmoved,
    });
    expect(late).toMatchObject({ kind: "moved" });
    expect(await whoMay(carol, note.address)).toMatchObject([{ state: "withdrawn" }]);
    expect(await problemsOf(carol)).toEqual([]);
  });

  test("by the owner's frame alone: what it withdraws counts no more before the record has come", async () => {
    const { alice, bob, carol, note } = await shared();
    await unshare(alice, { timeline: note.address, from: bob.address });
    const frames = await identityFrames(alice);
    await hear(carol, alice, frames);
    expect(await mayAt(carol, bob, note)).toBe("nothing");
    expect(shortly(await tell(carol, bob, [note]))).toBe("0 1 2 grant");
    await tell(alice, carol, [note]);
    expect(shortly(await tell(carol, bob, [note]))).toBe("2 withdrawal");
  });

  test("with the grant, to whoever hears of both at once", async () => {
    const { alice, bob, dave, note } = await shared();
    await unshare(alice, { timeline: note.address, from: bob.address });
    expect(shortly(await tell(alice, dave, [note]))).toBe("0 1 2 grant withdrawal");
    expect(await mayAt(dave, bob, note)).toBe("nothing");
  });

  test("and nobody but the grant's issuer makes one", async () => {
    const { alice, bob, carol, eve, note, grant } = await shared();
    const says = { grant, timeline: note.address, last: [note.address] };
    const withdrawal = sealWithdrawal(platform.random.bytes(32), says);
    await state(eve, { verb: "revoke", target: withdrawal.address, scope: grant });
    const told = [...(await identityFrames(eve)), withdrawal];
    expect(await codeOf(hear(carol, eve, told))).toBe("grant_refused");
    expect(await codeOf(hear(carol, eve, [...(await identityFrames(alice)), withdrawal]))).toBe(
      "grant_refused",
    );
    expect(await mayAt(carol, bob, note)).toBe("write");
  });
});

describe("eve tells a receiver (threat 22)", () => {
  test("of a grant on alice's note that alice has not made", async () => {
    const { alice, carol, eve, note } = await cast();
    const told = await statedGrant(eve, alice, eve, note);
    expect(await codeOf(hear(carol, eve, told))).toBe("grant_refused");
    const withHers = [...told, ...(await identityFrames(alice))];
    expect(await codeOf(hear(carol, eve, withHers))).toBe("grant_refused");
    expect(await mayAt(carol, eve, note)).toBe("nothing");
  });

  test("of a grant of her own on what is not hers: it lets nobody in, and she does not learn what carol has", async () => {
    const { carol, dave, eve, note } = await cast();
    const told = await statedGrant(eve, eve, eve, note);
    const [there, elsewhere] = [await hear(carol, eve, told), await hear(dave, eve, told)];
    expect(there.bytes).toBe(elsewhere.bytes);
    expect(await mayAt(carol, eve, note)).toBe("nothing");
    expect(await whoMay(carol, note.address)).toEqual([]);
  });

  test("of a grant that alice has made for bob, as if it were for her", async () => {
    const { alice, bob, carol, eve, note } = await cast();
    const told = await statedGrant(alice, alice, bob, note);
    const forged = told.map((record) =>
      record.ib === "keystone.grant" ? tampered(record, ({ data }) => (data.identity = eve.address)) : record,
    );
    expect(await codeOf(hear(carol, eve, forged))).toBe("grant_refused");
  });

  test("of frames of alice's that do not follow one another, or are two for one place (threat 13)", async () => {
    const { alice, bob, carol, eve, note } = await cast();
    const [genesis, ...told] = await statedGrant(alice, alice, bob, note);
    expect(await codeOf(hear(carol, eve, told))).toBe("frame_refused");
    await hear(carol, eve, [genesis!, ...told]);
    const fork = tampered(told[0]!, ({ data }) => (data.proofs[0].claim.target = note.address));
    expect(await codeOf(hear(carol, eve, [genesis!, fork]))).toBe("duplicity");
  });

  test("of frames of a stranger who has stated nothing: none is kept", async () => {
    const { carol, dave, eve } = await cast();
    expect(await hear(carol, eve, await identityFrames(dave))).toMatchObject({ proofs: [], bytes: 0 });
    expect(await carol.space.proof(dave.address)).toBeUndefined();
  });

  test("of frames of carol's own: she knows them, and takes them from nobody", async () => {
    const { bob, carol, eve } = await cast();
    const note = await own(carol);
    await share(carol, { timeline: note.address, with: bob.address, access: "read" });
    const frames = await identityFrames(carol);
    expect(await hear(carol, eve, frames)).toMatchObject({ proofs: [], bytes: 0 });
  });
});

test("a store that says of a grant what its issuer has not stated has a problem", async () => {
  const { alice, bob, note } = await cast();
  const says = { issuer: alice.address, identity: bob.address, timeline: note.address };
  const record = sealGrant(platform.random.bytes(32), { ...says, access: "write" });
  const proofs = [{ group: record.address, record }];
  await alice.space.commit({ holder: alice.address, sight: { holders: [] }, proofs });
  expect(await problemsOf(alice)).toEqual([`not_stated ${alice.address}`, "cell not listed"]);
});

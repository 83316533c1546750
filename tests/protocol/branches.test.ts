/** Evidence that rests on an identity which has forked: what it shows counts, whichever frames were seen first. */
import { expect, test } from "vitest";
import { toText } from "../../src/ibgib/index.js";
import { InnerSpace } from "../../src/index.js";
import { checkUnforked } from "../../src/peer/home/known-identities.js";
import { evidenceFor } from "../../src/peer/rights/attestations.js";
import { checkAttested, type Evidence } from "../../src/saga/index.js";
import { signsTwice } from "../one-time/ledger.js";
import { tampered } from "../keystone/keystones.js";
import { type Chain, Person, Session } from "../saga/commits.js";
import { entriesOf, evidenceOf, framesOf, listOf, problemsOf, take } from "./evidence.js";
import { codeOf, contentsOf } from "./lab.js";

test("by other frames of an identity than those known counts, whichever came first (C14) (threat 13)", () =>
  signsTwice(async () => {
    const entries = entriesOf(4);
    const [alice, copy] = [new Person("alice"), new Person("alice")];
    const said = [alice, alice, copy, copy].map((person, at) =>
      evidenceOf(person, entries.slice(at, at + 1), `receiver ${at}`),
    );
    for (const order of ["0123", "2301", "3120", "1203"]) {
      const space = new InnerSpace();
      for (const at of [...order, "1"]) await take(space, said[Number(at)]!);
      const shown = await evidenceFor(space, framesOf(entries));
      expect(checkAttested(shown)).toHaveLength(entries.length);
      expect(await problemsOf(space)).toEqual([]);
      await take(new InnerSpace(), shown);
    }
  }));

test("is missing what it rests on where a branch is shown without its beginning", () =>
  signsTwice(async () => {
    const dave = new InnerSpace();
    const [one, two, three] = entriesOf(3);
    const [alice, copy] = [new Person("alice"), new Person("alice")];
    await take(dave, evidenceOf(alice, [one!], "bob"));
    evidenceOf(copy, [two!], "carol");
    const evidence: Evidence[] = evidenceOf(copy, [three!], "erin");
    const [, first] = copy.identity.frames;
    const without = evidence.filter((item) => !Array.isArray(item) || item[1] !== first!.gib);
    expect(await codeOf(take(dave, without))).toBe("proofs_missing");
    await take(dave, evidence);
    expect(await problemsOf(dave)).toEqual([]);
  }));

test("rests on frames that are checked, in a branch as well (threat 13)", () =>
  signsTwice(async () => {
    const dave = new InnerSpace();
    const [one, two] = entriesOf(2);
    const [alice, copy] = [new Person("alice"), new Person("alice")];
    await take(dave, evidenceOf(alice, [one!], "bob"));
    const before = await contentsOf(dave);
    const evidence = evidenceOf(copy, [two!], "carol");
    const forged = toText(
      tampered(copy.identity.frames[1]!, ({ data }) => (data.details = { hostKeys: [] })),
    );
    const claimed = evidence.map((item) =>
      Array.isArray(item) && item[1] === copy.identity.frames[1]!.gib ? forged : item,
    );
    expect(await codeOf(take(dave, claimed))).toBe("attestation_refused");
    expect(await contentsOf(dave)).toEqual(before);
  }));

test("lets in no lane that was delegated where it forks, or later (threat 13)", () =>
  signsTwice(async () => {
    const space = new InnerSpace();
    const [one, two, three] = entriesOf(3);
    const [alice, copy] = [new Person("alice"), new Person("alice")];
    const [before, after] = [new Person("before"), new Person("after")];
    const sessionTo = (receiver: Person) => {
      const lane = alice.laneTo(receiver);
      return { lane, session: new Session(alice, receiver, lane) };
    };
    const [early, late] = [sessionTo(before), sessionTo(after)];
    copy.laneTo(before);
    await take(space, [...early.session.parts, early.session.commit(listOf([one!]))]);
    await take(space, [...late.session.parts, late.session.commit(listOf([two!]))]);
    const check = (lane: Chain) => codeOf(checkUnforked(space, alice.address, lane.address));
    expect([await check(early.lane), await check(late.lane)]).toEqual(["none", "none"]);
    await take(space, evidenceOf(copy, [three!], "elsewhere"));
    expect([await check(early.lane), await check(late.lane)]).toEqual(["none", "duplicity"]);
    expect(await check(alice.undelegatedLaneTo(new Person("new")))).toBe("duplicity");
  }));

import { describe, expect, it } from "vitest";
import {
  createTimeline,
  type IbGib,
  parseAddress,
  sealRecord,
  isIdentityAddress,
} from "../../src/ibgib/index.js";
import {
  checkIdentityFrame,
  foundIdentity,
  type Grant,
  type IdentityState,
  type NextFrameOptions,
  nextFrame,
  readGrant,
  readIdentity,
  readWithdrawal,
  sealGrant,
  sealWithdrawal,
  signFrame,
  startIdentity,
} from "../../src/keystone/index.js";
import { mayFork } from "../one-time/ledger.js";
import { bytesOf, type Loose, outcome, secretFor, tampered } from "./keystones.js";

const secrets = { secret: bytesOf(1), recoverySecret: bytesOf(9) };
const alice = foundIdentity(bytesOf(3), secrets);
const bob = foundIdentity(bytesOf(4), secrets).address;
const note = createTimeline({ ib: "note", owner: alice.address, uuid: "u" }).address;

const says: Omit<Grant, "nonce"> = {
  issuer: alice.address,
  identity: bob,
  timeline: note,
  access: "write",
};
const grant = sealGrant(bytesOf(5), says);
const withdrawal = sealWithdrawal(bytesOf(6), { grant: grant.address, timeline: note, last: [note] });

function next(identity: IdentityState, options: NextFrameOptions): IbGib {
  return signFrame(nextFrame(identity.keystone, options, secretFor), identity.keystone, secretFor);
}

function stepped(identity: IdentityState, options: NextFrameOptions): IdentityState {
  return checkIdentityFrame(identity, next(identity, options));
}

const granting = { verb: "grant", target: grant.address };
const withdrawing = { verb: "revoke", target: withdrawal.address, scope: grant.address };

describe("an identity", () => {
  it("grants with a frame that names the grant, and takes it back with one that names both", () => {
    const granted = stepped(startIdentity(alice), granting);
    expect([...granted.granted]).toEqual([grant.address]);
    expect(granted.withdrawn.size).toBe(0);
    const withdrawn = stepped(granted, withdrawing);
    expect([...withdrawn.withdrawn]).toEqual([[grant.address, [withdrawal.address]]]);
    expect([...withdrawn.granted]).toEqual([grant.address]);
    expect([...withdrawn.delegated, ...withdrawn.hostKeys.keys()]).toEqual([]);
  });

  it("has stated the same whether its frames are checked or, once checked, only read", () => {
    const first = startIdentity(alice);
    const one = next(first, granting);
    const two = next(checkIdentityFrame(first, one), withdrawing);
    const checked = [one, two].reduce(checkIdentityFrame, first);
    expect(readIdentity([alice, one, two])).toEqual(checked);
  });

  it("may withdraw a grant again, to say that more counts", () => {
    const more = sealWithdrawal(bytesOf(7), { grant: grant.address, timeline: note, last: [note] });
    const twice = [granting, withdrawing, { ...withdrawing, target: more.address }].reduce(
      stepped,
      startIdentity(alice),
    );
    expect(twice.withdrawn.get(grant.address)).toEqual([withdrawal.address, more.address]);
  });

  it("is refused a claim about grants that names none, or says more", () => {
    const first = startIdentity(alice);
    const told: readonly [NextFrameOptions, string][] = [
      [{ verb: "grant", target: note }, "frame_refused: grants a grant"],
      [{ verb: "grant", target: "anything" }, "frame_refused: grants a grant"],
      [{ verb: "revoke", target: withdrawal.address }, "frame_refused: withdraws a grant"],
      [{ ...withdrawing, scope: note }, "frame_refused: withdraws a grant"],
      [{ ...granting, details: { hostKeys: [] } }, "frame_refused: details without host keys"],
      [{ ...withdrawing, details: { hostKeys: [] } }, "frame_refused: details without host keys"],
    ];
    for (const [options, refusal] of told)
      expect(outcome(() => mayFork(() => stepped(first, options)))).toBe(refusal);
  });
});

describe("a grant's record", () => {
  it("says who may do what, how long and how often, and is read back as it was sealed", () => {
    const all = { ...says, expires: 1_000, uses: 3, receiver: alice.address };
    expect(readGrant(sealGrant(bytesOf(5), all))).toEqual({ ...all, nonce: "05".repeat(32) });
    expect(grant.rel8ns).toBeUndefined();
    expect(grant.address).toMatch(/^keystone\.grant\^[0-9A-F]{64}$/);
  });

  it("differs with its nonce, so that one grant withdrawn is not another", () => {
    expect(sealGrant(bytesOf(6), says).address).not.toBe(grant.address);
  });

  const later = parseAddress(`${note}.${"A".repeat(64)}`);
  it.each<[string, (data: Loose) => void]>([
    ["an unknown member", (data) => (data.note = "x")],
    ["no nonce", (data) => delete data.nonce],
    ["no issuer", (data) => delete data.issuer],
    ["a nonce of another length", (data) => (data.nonce = "05")],
    ["somebody who is no identity", (data) => (data.identity = note)],
    ["a timeline by a later frame", (data) => (data.timeline = later)],
    ["another kind of access", (data) => (data.access = "own")],
    ["uses, and nobody who counts them", (data) => (data.uses = 2)],
    ["somebody who counts, and no uses", (data) => (data.receiver = data.identity)],
    ["no use at all", (data) => Object.assign(data, { uses: 0, receiver: data.identity })],
    ["a fraction of a millisecond", (data) => (data.expires = 0.5)],
  ])("is refused with %s", (_, change) => {
    expect(outcome(() => readGrant(tampered(grant, ({ data }) => change(data))))).toBe(
      "grant_refused: shape",
    );
  });

  it("is refused with a link, as another kind of record, and as raw bytes", () => {
    const linked = tampered(grant, (frame) => (frame.rel8ns = { see: [note] }));
    const named = tampered(grant, (frame) => (frame.ib = "keystone.grants"));
    const raw = sealRecord({ ib: "bin", data: grant.bytes });
    for (const record of [linked, named, raw, withdrawal])
      expect(outcome(() => readGrant(record))).toBe("grant_refused: shape");
  });
});

describe("a withdrawal's record", () => {
  it("names the grant and the last frames that count, and is read back as it was sealed", () => {
    const { grant: named, last, timeline } = readWithdrawal(withdrawal);
    expect([named, timeline, last]).toEqual([grant.address, note, [note]]);
  });

  it.each<[string, (data: Loose) => void]>([
    ["no last frame", (data) => (data.last = [])],
    ["more last frames than one may name", (data) => (data.last = Array(1001).fill(note))],
    ["something else than a grant", (data) => (data.grant = data.timeline)],
    ["something that is no address", (data) => (data.last = ["note"])],
  ])("is refused with %s", (_, change) => {
    const refused = tampered(withdrawal, ({ data }) => change(data));
    expect(outcome(() => readWithdrawal(refused))).toBe("grant_refused: shape");
  });
});

it("only the address of a first frame of the right kind names an identity", () => {
  const gib = "A".repeat(64);
  const names: readonly [unknown, boolean][] = [
    [bob, true],
    [`keystone.identity^${gib}`, true],
    [`keystone.identity^${gib}.${gib}`, false],
    ["keystone.identity^gib", false],
    [`keystone.lane^${gib}`, false],
    [undefined, false],
  ];
  for (const [name, isOne] of names) expect(isIdentityAddress(name), String(name)).toBe(isOne);
});

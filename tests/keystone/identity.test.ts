import { describe, expect, test } from "vitest";
import type { IbGib } from "../../src/ibgib/index.js";
import {
  checkIdentityFrames,
  foundIdentity,
  type IdentityState,
  type NextFrameOptions,
  nextFrame,
  signFrame,
  startIdentity,
} from "../../src/keystone/index.js";
import { mayFork } from "../one-time/ledger.js";
import { bytesOf, outcome, secret } from "./keystones.js";

const first = foundIdentity(bytesOf(2), { secret, recoverySecret: bytesOf(3) });
const [one, two] = ["11".repeat(32), "22".repeat(32)];
const lane = `keystone.lane^${"A".repeat(64)}`;

/** A frame that holds for its keys, whatever it says. */
function signed({ keystone }: IdentityState, options: NextFrameOptions): IbGib {
  const secrets = (pool: string) => (pool === "recover" ? bytesOf(3) : secret);
  return mayFork(() => signFrame(nextFrame(keystone, options, secrets), keystone, secrets));
}

const next = (identity: IdentityState, options: NextFrameOptions) =>
  checkIdentityFrames(identity, [signed(identity, options)]);
const said = (identity: IdentityState, options: NextFrameOptions) => outcome(() => next(identity, options));

const hosting = (verb: "delegate" | "revoke", target: string, hostKeys: unknown, more: object = {}) => ({
  ...{ verb, target, details: { hostKeys, ...more } as never },
});

describe("an identity's frame, signed with its own keys", () => {
  const start = startIdentity(first);
  const withOne = next(start, hosting("delegate", one, [one]));

  test("that certifies or retires a host key says which keys are in force then", () => {
    expect([...withOne.hostKeys.keys()]).toEqual([one]);
    const withBoth = next(withOne, hosting("delegate", two, [one, two]));
    expect([...withBoth.hostKeys.keys()]).toEqual([one, two]);
    const without = next(withBoth, hosting("revoke", one, [two]));
    expect([...without.hostKeys.keys()]).toEqual([two]);
    expect([...without.certificates.values()]).toEqual([one, two]);
  });

  test.each([
    ["none of them", withOne, hosting("delegate", two, [])],
    ["the new one alone", withOne, hosting("delegate", two, [two])],
    ["one that nobody certified", start, hosting("delegate", one, [one, two])],
    ["another one", start, hosting("delegate", one, [two])],
    ["one twice", withOne, hosting("delegate", two, [one, one, two])],
    ["another order", withOne, hosting("delegate", two, [two, one])],
    ["one that it retires", withOne, hosting("revoke", one, [one])],
    ["a key in another spelling", start, hosting("delegate", "AA".repeat(32), ["AA".repeat(32)])],
    ["something more", start, hosting("delegate", one, [one], { more: true })],
  ] as const)("is refused where it says %s (threat 15)", (_, identity, options) => {
    expect(said(identity, options)).toBe("frame_refused: host keys in force");
  });

  test("has no scope, for none of its verbs has one (threat 15)", () => {
    const scoped = (options: NextFrameOptions) => said(withOne, { ...options, scope: first.address });
    expect(scoped({ verb: "delegate", target: lane })).toBe("frame_refused: scope");
    expect(said(withOne, { verb: "delegate", target: lane })).toBe("accepted");
    expect(scoped(hosting("delegate", two, [one, two]))).toBe("frame_refused: scope");
  });

  test("delegates keystones alone", () => {
    expect(said(withOne, { verb: "delegate", target: "somebody" })).toBe(
      "frame_refused: delegates an address",
    );
  });

  test("takes no lane back, so nobody takes the proofs from what others have built on (threat 15)", () => {
    const withLane = next(start, { verb: "delegate", target: lane });
    expect(said(withLane, { verb: "revoke", target: lane })).toBe("frame_refused: verb");
    const revocation = { lane, count: 0 };
    expect(said(withLane, { verb: "revoke", target: lane, revocation })).toBe("frame_refused: revocation");
    expect(said(withLane, { verb: "delegate", target: lane, revocation })).toBe("frame_refused: revocation");
  });

  test("is refused where a pool signs that has no flow yet, as by a thief of the recovery secret (threat 15)", () => {
    for (const verb of ["manage", "recover"] as const)
      expect(said(withOne, { verb, target: lane })).toBe("frame_refused: verb");
  });
});

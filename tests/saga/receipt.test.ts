/** Receipts by somebody who holds a receiver's keys, and what of them proves nothing all the same. */
import { describe, expect, test } from "vitest";
import { ed25519PublicKey, toHex } from "../../src/base/index.js";
import { type Address, toText } from "../../src/ibgib/index.js";
import { attestKeyOf, foundReceiverSession, signList, startReplay } from "../../src/keystone/index.js";
import { signAsHost } from "../../src/saga/handshake.js";
import { checkReceipt, type ReceiptBundle } from "../../src/saga/index.js";
import type { LeftRoot } from "../../src/saga/index.js";
import { listRoot, receiptEntries } from "../../src/saga/turn.js";
import { bytesOf, outcome } from "../keystone/keystones.js";
import { Person } from "./commits.js";

const hostSeed = bytesOf(7);
const hostKey = toHex(ed25519PublicKey(hostSeed));
const otherKey = toHex(ed25519PublicKey(bytesOf(8)));

/** A receiver with its host key in force, and another receiver. */
function cast() {
  const [bob, dave, alice] = [new Person("bob"), new Person("dave"), new Person("alice")];
  const certified = bob.identity.add({ verb: "delegate", target: hostKey, details: { hostKeys: [hostKey] } });
  return { bob, dave, alice, certifiedBy: certified.address };
}

interface Wish {
  /** Whom R0 names as the receiver. */
  readonly named?: Address;
  readonly certifiedBy?: Address;
  readonly kind?: "receipt" | "receiverHeads";
  /** In place of those that were signed. */
  readonly left?: readonly LeftRoot[];
}

/** A receipt that bob's host key and R0's attest key have signed. */
function receiptBy({ bob, alice, ...all }: ReturnType<typeof cast>, wish: Wish = {}): ReceiptBundle {
  const { named = bob.address, certifiedBy = all.certifiedBy, kind = "receipt" } = wish;
  const session = `keystone.session^${"A".repeat(64)}` as Address;
  const names = { sender: alice.address, session, receiver: named };
  const r0 = foundReceiverSession(bytesOf(9), names, bob.secretFor);
  const tips = [
    { address: `note^${"B".repeat(64)}` as Address, tip: `note^${"B".repeat(64)}` as Address, n: 0 },
  ];
  const none = { records: 0, bytes: 0, contexts: 0 };
  const left: LeftRoot[] = [{ address: `note^${"C".repeat(64)}` as Address, left: "over_quota" }];
  const said = { saga: "00".repeat(16), time: 1, totals: { up: none, down: none }, tips, left };
  const entries = receiptEntries(said.time, said.totals, [...tips, ...left]);
  const list = { session: r0.address, saga: said.saga, count: entries.length, root: listRoot(entries) };
  return {
    version: 1,
    ...said,
    ...(wish.left && { left: [...wish.left] }),
    signature: signList(kind, list, attestKeyOf(startReplay(r0, "session"), bob.secretFor)),
    session: toText(r0),
    host: { key: hostKey, certifiedBy, signature: signAsHost(hostSeed, certifiedBy, r0.address) },
    receiver: bob.identity.frames.map(toText),
  };
}

const refused = (rule: string) => `receipt_refused: ${rule}`;

describe("a receipt that a receiver's own keys have signed", () => {
  test("is its word", () => {
    const all = cast();
    const { receiver, sender } = checkReceipt(receiptBy(all), all.bob.address);
    expect([receiver, sender]).toEqual([all.bob.address, all.alice.address]);
  });

  test("says as well what it has left, and why", () => {
    const all = cast();
    const bundle = receiptBy(all);
    const [first] = checkReceipt(bundle, all.bob.address).left;
    expect(first).toEqual(bundle.left?.[0]);
    const other = receiptBy(all, { left: [{ ...first!, left: "too_long" }] });
    expect(outcome(() => checkReceipt(other, all.bob.address))).toBe(refused("signature"));
  });

  test("is no other receiver's, whatever its session says (threat 2)", () => {
    const all = cast();
    const bundle = receiptBy(all, { named: all.dave.address });
    expect(outcome(() => checkReceipt(bundle, all.bob.address))).toBe(refused("session of another receiver"));
    expect(outcome(() => checkReceipt(bundle, all.dave.address))).toBe(refused("another receiver"));
  });

  test("counts by the frame that certified its host key, also once that key is retired", () => {
    const all = cast();
    const { identity, address } = all.bob;
    const bundle = receiptBy(all, { certifiedBy: address });
    expect(outcome(() => checkReceipt(bundle, address))).toBe(refused("host key"));
    const more = { hostKeys: [hostKey, otherKey] };
    identity.add({ verb: "delegate", target: otherKey, details: more });
    expect(outcome(() => checkReceipt(receiptBy(all), address))).toBe("accepted");
    const retired = identity.add({ verb: "revoke", target: hostKey, details: { hostKeys: [otherKey] } });
    expect(outcome(() => checkReceipt(receiptBy(all), address))).toBe("accepted");
    const byThat = receiptBy(all, { certifiedBy: retired.address });
    expect(outcome(() => checkReceipt(byThat, address))).toBe(refused("host key"));
  });

  test("is none where it was signed for another use", () => {
    const all = cast();
    const bundle = receiptBy(all, { kind: "receiverHeads" });
    expect(outcome(() => checkReceipt(bundle, all.bob.address))).toBe(refused("signature"));
  });
});

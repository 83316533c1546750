import { describe, expect, test } from "vitest";
import { lengthPrefixed, toHex, u32 } from "../../src/base/index.js";
import type { Address, IbGib } from "../../src/ibgib/index.js";
import {
  attestKeyOf,
  foundLane,
  foundReceiverSession,
  foundSenderSession,
  isListSigned,
  isVouched,
  type SignedList,
  signList,
  signVoucher,
  startLane,
  startReceiverSession,
  startSenderSession,
  type Vouching,
} from "../../src/keystone/index.js";
import { attestKey, oneTimeKey } from "../../src/keystone/key-ring.js";
import { bytesOf, outcome, secretFor, tampered } from "./keystones.js";

const address = (name: string) => `${name}^${"A".repeat(64)}` as Address;
const [identity, receiver] = [address("keystone.identity"), address("keystone.identity")];
const caps = { records: 1, bytes: 1, turns: 1 };

const lane = foundLane(bytesOf(3), { delegator: identity, receiver }, secretFor);
const s0 = foundSenderSession(
  bytesOf(4),
  { lane: lane.address, receiver, audience: "wss://a", caps },
  secretFor,
);
const r0 = foundReceiverSession(bytesOf(5), { sender: identity, session: s0.address, receiver }, secretFor);

const starts: Record<string, [IbGib, (first: IbGib) => unknown]> = {
  lane: [lane, startLane],
  "sender's session": [s0, startSenderSession],
  "receiver's session": [r0, startReceiverSession],
};

/** What no signature may be checked with: keys of small order, and spellings that are not canonical. */
const unsound: Record<string, string> = {
  "order 1": `01${"00".repeat(31)}`,
  "order 2": `ec${"ff".repeat(30)}7f`,
  "order 4": "00".repeat(32),
  "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "order 1, spelt otherwise": `ee${"ff".repeat(30)}7f`,
  "order 1, with a sign": `01${"00".repeat(30)}80`,
  "a y beyond the field": `f0${"ff".repeat(30)}7f`,
};

describe.each(Object.entries(starts))("a %s", (_, [first, start]) => {
  const named = String(
    first.data && "details" in first.data && JSON.parse(JSON.stringify(first.data)).details.attestKey,
  );

  test("names an attest key", () => {
    expect(named).toMatch(/^[0-9a-f]{64}$/);
    expect(outcome(() => start(first))).toBe("accepted");
  });

  test.each(Object.entries(unsound))("with an attest key of %s is refused (threat 22)", (__, key) => {
    const forged = tampered(first, ({ data }) => (data.details.attestKey = key));
    expect(outcome(() => start(forged))).toBe("frame_refused: attest key");
  });

  test.each([undefined, "", "00", 7, null, named.toUpperCase()])("with %s for a key is refused", (key) => {
    const forged = tampered(first, ({ data }) => {
      if (key === undefined) delete data.details.attestKey;
      else data.details.attestKey = key;
    });
    expect(outcome(() => start(forged))).toBe("frame_refused: attest key");
  });

  test("with other pools than this version's is refused", () => {
    const forged = tampered(first, ({ data }) => {
      data.pools[0].config.verbs = [...data.pools[0].config.verbs, "more"];
    });
    expect(outcome(() => start(forged))).toBe("frame_refused: pools of another version");
  });
});

test("an attest key is a pure function of kind, secret and nonce, and no one-time key", () => {
  const keys = [
    attestKey("lane", bytesOf(1), bytesOf(2)),
    attestKey("session", bytesOf(1), bytesOf(2)),
    attestKey("lane", bytesOf(2), bytesOf(2)),
    attestKey("lane", bytesOf(1), bytesOf(3)),
    ...["attest", "lane", "sync", "vouch"].map((pool) =>
      oneTimeKey(bytesOf(1), bytesOf(2), { strategy: "ed25519-once", pool, index: 0 }),
    ),
  ].map(({ publicKey }) => toHex(publicKey));
  expect(new Set(keys).size).toBe(keys.length);
  expect(toHex(attestKey("lane", bytesOf(1), bytesOf(2)).publicKey)).toBe(keys[0]);
  // Pinned: another value here means that what was signed before is nobody's any more.
  expect(keys[0]).toBe("3a96acf758171d8573c24450cdd5c66a89a03f8bde83b3f321898bb50cf88090");
});

describe("a signature", () => {
  const { keystone } = startSenderSession(s0);
  const key = attestKeyOf(keystone, secretFor);
  const named = toHex(key.publicKey);
  const list: SignedList = { session: s0.address, saga: "00".repeat(16), count: 2, root: "11".repeat(32) };
  const vouching: Vouching = { lane: lane.address, n: 3, session: s0.address, receiver };
  const kinds = ["senderHeads", "receiverHeads", "receipt"] as const;

  test("is of the key that its genesis names, and the same each time", () => {
    expect(isListSigned("senderHeads", list, named, signList("senderHeads", list, key))).toBe(true);
    expect(signList("senderHeads", list, key)).toBe(signList("senderHeads", list, key));
    expect(isVouched(vouching, named, signVoucher(vouching, key))).toBe(true);
  });

  test("counts under its own label alone (threat 22)", () => {
    const signatures = [...kinds.map((kind) => signList(kind, list, key)), signVoucher(vouching, key)];
    expect(new Set(signatures).size).toBe(4);
    for (const [at, signature] of signatures.entries()) {
      const counts = [
        ...kinds.map((kind) => isListSigned(kind, list, named, signature)),
        isVouched(vouching, named, signature),
      ];
      expect(counts).toEqual([0, 1, 2, 3].map((each) => each === at));
    }
  });

  const otherLists: Partial<SignedList>[] = [
    { session: r0.address },
    { saga: "01".repeat(16) },
    { count: 3 },
    { root: "12".repeat(32) },
  ];
  test.each(otherLists)("counts for no other list: %o (threat 22)", (of) => {
    const signature = signList("receipt", list, key);
    expect(isListSigned("receipt", { ...list, ...of }, named, signature)).toBe(false);
  });

  const others: Partial<Vouching>[] = [
    { lane: s0.address },
    { n: 4 },
    { session: r0.address },
    { receiver: lane.address },
  ];
  test.each(others)("counts for no other session, lane or receiver: %o (threat 22)", (of) => {
    expect(isVouched({ ...vouching, ...of }, named, signVoucher(vouching, key))).toBe(false);
  });

  test("counts for no other suite (threat 9)", () => {
    const { session, saga, count, root } = list;
    const over = (suite: string) =>
      lengthPrefixed("keysaga/sender-heads/1", suite, session, saga, u32(count), root);
    const under = (suite: string) => toHex(key.sign(over(suite)));
    expect(isListSigned("senderHeads", list, named, under("ed25519-sha256"))).toBe(true);
    expect(isListSigned("senderHeads", list, named, under("lm-ots-sha256"))).toBe(false);
    const { lane: l0, n, receiver: to } = vouching;
    const vouched = (suite: string) =>
      toHex(key.sign(lengthPrefixed("keysaga/voucher/1", suite, l0, u32(n), session, to)));
    expect(isVouched(vouching, named, vouched("ed25519-sha256"))).toBe(true);
    expect(isVouched(vouching, named, vouched("lm-ots-sha256"))).toBe(false);
  });

  test("counts for no other key", () => {
    const other = attestKeyOf(startLane(lane).keystone, secretFor);
    expect(isVouched(vouching, toHex(other.publicKey), signVoucher(vouching, key))).toBe(false);
  });

  test.each(["", "00", "zz".repeat(64), "00".repeat(64)])("that is %j is none", (signature) => {
    expect(isListSigned("receipt", list, named, signature)).toBe(false);
    expect(isVouched(vouching, named, signature)).toBe(false);
  });
});

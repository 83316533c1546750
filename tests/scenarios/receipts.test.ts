import { expect, test } from "vitest";
import { checkReceipt, exportReceipt, type ReceiptBundle, type SignedReceipt } from "../../src/index.js";
import { createWorld } from "../../src/testing/index.js";
import { outcome } from "../keystone/keystones.js";
import { scenario } from "./scenario.js";

type Loose = { -readonly [Member in keyof ReceiptBundle]: ReceiptBundle[Member] };

scenario("a receipt is checked by someone who has neither store (K3)", async ({ alice, bob }) => {
  const notes = await alice.timeline("notes", { data: { text: "hello" } });
  const { session, saga } = await alice.sync(notes);
  const bundle = await exportReceipt(alice.space, { saga, receiver: bob.address });
  const checked: SignedReceipt = checkReceipt(JSON.parse(JSON.stringify(bundle)), bob.address);
  const tip = (await alice.tip(notes)).address;
  expect(checked).toMatchObject({ receiver: bob.address, sender: alice.address, session, saga });
  expect(checked.tips).toEqual([{ address: notes, tip, n: 0 }]);
  expect(checked.totals.up).toEqual({ records: 1, bytes: expect.any(Number), contexts: 2 });
});

scenario("the receipt of a saga with a long list names every tip", async ({ alice, bob }) => {
  const roots = [];
  for (let i = 0; i < 600; i++) roots.push(await alice.timeline(`note ${i}`));
  const { saga } = await alice.sync(roots);
  const bundle = await exportReceipt(alice.space, { saga, receiver: bob.address });
  expect(bundle.tips).toHaveLength(600);
  expect(checkReceipt(bundle, bob.address).tips.map(({ address }) => address)).toEqual(roots);
});

scenario("each saga of a session leaves a receipt of its own (K5)", async ({ alice, bob }) => {
  const notes = await alice.timeline("notes");
  const first = await alice.sender.sync([notes]);
  await alice.edit(notes, { text: "more" });
  const { saga, totals, sessionTotals } = await alice.sender.sync([notes]);
  expect(totals.up).toMatchObject({ records: 1, contexts: 2 });
  expect(sessionTotals.up).toMatchObject({ records: 2, contexts: 4 });
  await alice.sender.disconnect();
  const bundle = await exportReceipt(alice.space, { saga, receiver: bob.address });
  expect(checkReceipt(bundle, bob.address)).toMatchObject({
    tips: [{ address: notes, n: 1 }],
    totals: { up: { records: 2, contexts: 4 } },
  });
  const earlier = await exportReceipt(alice.space, { saga: first.saga, receiver: bob.address });
  expect(checkReceipt(earlier, bob.address)).toMatchObject({
    tips: [{ address: notes, n: 0 }],
    totals: { up: { records: 1, contexts: 2 } },
  });
});

scenario("a receipt is as large after many sagas and sessions as after the first", async ({ alice, bob }) => {
  const notes = await alice.timeline("notes");
  const sizes: number[] = [];
  for (let round = 0; round < 6; round++) {
    for (let at = 0; at < round; at++) await alice.sender.sync([notes]);
    await alice.edit(notes, { text: "more" });
    const { saga } = await alice.sender.sync([notes]);
    await alice.sender.disconnect();
    const bundle = await exportReceipt(alice.space, { saga, receiver: bob.address });
    expect(checkReceipt(bundle, bob.address).saga).toBe(saga);
    sizes.push(JSON.stringify(bundle).length);
  }
  expect(Math.max(...sizes) - sizes[1]!).toBeLessThan(20);
});

/** Two sessions of one sender with one receiver, and a receiver that has nothing to do with either. */
async function receipts(): Promise<{
  bundle: ReceiptBundle;
  other: ReceiptBundle;
  bob: SignedReceipt["receiver"];
}> {
  const world = await createWorld({ seed: "receipts" });
  const [alice] = world.senders;
  const of = async (ib: string) => {
    const { saga } = await alice!.sync(await alice!.timeline(ib));
    return exportReceipt(alice!.space, { saga, receiver: world.receiver.address });
  };
  const [bundle, other] = [await of("one"), await of("two")];
  await world.close();
  return { bundle, other, bob: world.receiver.address };
}

/** Each with the error it ends in, exactly: one check must not stand in for another that is gone. */
const forgeries: Record<string, [expected: string, forge: (bundle: Loose, other: ReceiptBundle) => void]> = {
  "a tip changed": ["signature", (bundle) => (bundle.tips = [{ ...bundle.tips[0]!, n: 1 }])],
  "a tip more": ["signature", (bundle) => (bundle.tips = [...bundle.tips, bundle.tips[0]!])],
  "no tip": ["signature", (bundle) => (bundle.tips = [])],
  "another receipt's tips": ["signature", (bundle, other) => (bundle.tips = other.tips)],
  "the time changed": ["signature", (bundle) => bundle.time++],
  "the totals changed": [
    "signature",
    (bundle) => (bundle.totals = { ...bundle.totals, up: { ...bundle.totals.up, records: 9 } }),
  ],
  "another saga": ["signature", (bundle, other) => (bundle.saga = other.saga)],
  "another receipt's signature": ["signature", (bundle, other) => (bundle.signature = other.signature)],
  "a stripped signature": ["shape at signature", (bundle) => (bundle.signature = "")],
  "another receipt's session": ["host signature", (bundle, other) => (bundle.session = other.session)],
  "another session's host signature": ["host signature", (bundle, other) => (bundle.host = other.host)],
  "another receipt's session and host signature": [
    "signature",
    (bundle, other) => Object.assign(bundle, { session: other.session, host: other.host }),
  ],
  "no certificate of the host key": ["host key", (bundle) => (bundle.receiver = bundle.receiver.slice(0, 1))],
  "another version": ["shape at version", (bundle) => Object.assign(bundle, { version: 2 })],
  "a member more": ["shape at ", (bundle) => Object.assign(bundle, { extra: true })],
};

test.each(Object.entries(forgeries))("a receipt is refused with %s", async (_, [rule, forge]) => {
  const { bundle, other, bob } = await receipts();
  const forged: Loose = structuredClone(bundle);
  forge(forged, other);
  expect(outcome(() => checkReceipt(forged, bob))).toBe(`receipt_refused: ${rule}`);
  expect(checkReceipt(bundle, bob).receiver).toBe(bob);
});

test("a right receipt of another receiver is refused", async () => {
  const { bundle } = await receipts();
  const stranger = (await createWorld({ seed: "stranger" })).receiver.address;
  expect(outcome(() => checkReceipt(bundle, stranger))).toBe("receipt_refused: another receiver");
});

test("a space that keeps no receipt says so", async () => {
  const world = await createWorld({ seed: "none" });
  const { address } = world.receiver;
  const wanted = { saga: "00".repeat(16), receiver: address };
  await expect(exportReceipt(world.receiver.space, wanted)).rejects.toMatchObject({ code: "no_receipt" });
  await world.close();
});

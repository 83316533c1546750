import { describe, expect, test, vi } from "vitest";
import type { ListKind, SignedList } from "../../src/keystone/index.js";
import { type Dialogue, type Role, signTurn, checkTurn } from "../../src/saga/index.js";
import { TurnFromReceiver, TurnFromSender } from "../../src/saga/turn-bodies.js";
import { listRoot, receiptEntries, startDialogue, type TurnDraft } from "../../src/saga/turn.js";
import { outcome } from "../keystone/keystones.js";
import { newNotes, Person, Session, tipOf } from "../saga/commits.js";

type Forge = (kind: ListKind, list: SignedList) => [ListKind, SignedList] | string | undefined;

/** How somebody signs what it attests, instead of as it should; its turns are signed as they should be. */
const forging = vi.hoisted(() => ({ forge: undefined as Forge | undefined }));

vi.mock("../../src/keystone/attest.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/keystone/attest.js")>();
  const signList = (kind: ListKind, list: SignedList, key: Parameters<typeof original.signList>[2]) => {
    const forged = forging.forge?.(kind, list) ?? (forging.forge ? undefined : ([kind, list] as const));
    return Array.isArray(forged)
      ? original.signList(forged[0] as ListKind, forged[1] as SignedList, key)
      : (forged as string);
  };
  return { ...original, signList };
});

const [alice, bob] = [new Person("alice"), new Person("bob")];
const lane = alice.laneTo(bob);
let sessions = 0;
const caps = { records: 100, bytes: 100_000, turns: 100 };
const saga = "07".repeat(16);
const made = ["a", "b"].map((uuid) => newNotes(alice, uuid).entry);
const tips = made.map(tipOf);

const turns: readonly (readonly [Role, TurnDraft])[] = [
  ["sender", { type: "init", saga, direction: "push", entries: [] }],
  ["receiver", { type: "ack", entries: [] }],
  ["sender", { type: "commit", entries: [...tips, ...made] }],
  ["receiver", { type: "receipt", time: 5, entries: tips }],
];

/** What the other side makes of the turn `at`, where all before it were said as they should be. */
function heard(at: number, forge?: Forge, draft: TurnDraft = turns[at]![1]): string {
  const session = new Session(alice, bob, lane, { name: `session ${sessions++}` });
  let ours = startDialogue(session.s.state, session.r.state, caps);
  let theirs: Dialogue = ours;
  for (const [turn, [role, honest]] of turns.slice(0, at + 1).entries()) {
    forging.forge = turn === at ? forge : undefined;
    const { secretFor } = role === "sender" ? session.s : session.r;
    const said = signTurn(ours, role, turn === at ? draft : honest, secretFor);
    forging.forge = undefined;
    ours = said.dialogue;
    const schema = role === "sender" ? TurnFromSender : TurnFromReceiver;
    const verify = () => checkTurn(theirs, role, said.signed, schema as typeof TurnFromSender);
    if (turn === at) return outcome(verify);
    theirs = verify().dialogue;
  }
  return "";
}

const [commit, receipt] = [2, 3];
const wrong = "attestation_refused: signature of the attest key";
const misplaced = "attestation_refused: signed where something is attested";

describe.each([
  ["commit", commit],
  ["receipt", receipt],
] as const)("what a %s attests", (_, at) => {
  test("is signed by the attest key of its speaker", () => {
    expect(heard(at)).toBe("accepted");
  });

  const forgeries: Record<string, Forge> = {
    "under another label": (kind, list) => [kind === "receipt" ? "receiverHeads" : "receipt", list],
    "for another saga (threat 1)": (kind, list) => [kind, { ...list, saga: "08".repeat(16) }],
    "for another session (threat 1)": (kind, list) => [kind, { ...list, session: lane.address }],
    "with a count that does not match": (kind, list) => [kind, { ...list, count: list.count + 1 }],
    "over another list": (kind, list) => [kind, { ...list, root: listRoot([]) }],
    "by nobody": () => "00".repeat(64),
  };
  test.each(Object.entries(forgeries))("does not count where it is signed %s", (__, forge) => {
    expect(heard(at, forge)).toBe(wrong);
  });
});

test("a stripped signature is noticed: a commit that names frames has one", () => {
  expect(heard(commit, () => undefined)).toBe(misplaced);
  expect(heard(receipt, () => undefined)).toMatch(/^malformed_message/);
});

test("and there is none where nothing is attested", () => {
  const attested = "00".repeat(64);
  expect(heard(commit, undefined, { type: "commit", entries: tips })).toBe("accepted");
  expect(heard(commit, undefined, { type: "commit", entries: tips, attested })).toBe(misplaced);
});

test("a receipt is signed over its time and the totals of its session as well (K2)", () => {
  const totals = { up: { records: 0, bytes: 0, contexts: 2 }, down: { records: 0, bytes: 0, contexts: 2 } };
  const over = (time: number, of: typeof totals) => {
    const list = receiptEntries(time, of, tips);
    return (kind: ListKind, signed: SignedList): [ListKind, SignedList] => [
      kind,
      { ...signed, count: list.length, root: listRoot(list) },
    ];
  };
  expect(heard(receipt, over(5, totals))).toBe("accepted");
  expect(heard(receipt, over(6, totals))).toBe(wrong);
  expect(heard(receipt, over(5, { ...totals, up: { ...totals.up, bytes: 1 } }))).toBe(wrong);
});

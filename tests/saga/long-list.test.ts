import { beforeEach, expect, test, vi } from "vitest";
import { addressOf } from "../../src/ibgib/index.js";
import {
  foundReceiverSession,
  foundSenderSession,
  startReceiverSession,
  startSenderSession,
} from "../../src/keystone/index.js";
import {
  noContent,
  signTurn,
  sessionLimits,
  TurnFromSender,
  tallyPayload,
  checkTurn,
} from "../../src/saga/index.js";
import { capsOf, startDialogue } from "../../src/saga/turn.js";

/** How often something is hashed, by anybody. */
const hashed = vi.hoisted(() => ({ times: 0 }));

vi.mock("../../src/base/crypto-node.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/base/crypto-node.js")>();
  const sha256: typeof original.sha256 = (...parts) => {
    hashed.times++;
    return original.sha256(...parts);
  };
  return { ...original, sha256 };
});

beforeEach(() => {
  hashed.times = 0;
});

const secretFor = () => new Uint8Array(32).fill(7);
const count = 3_000;
const parts = 10;
/** What a turn costs beside its list. */
const besides = 50;

test("a long list is hashed as its parts come: its turn is left one hash for each entry (threat 25)", () => {
  const address = addressOf("note", "A".repeat(64));
  const nonce = new Uint8Array(32).fill(1);
  const caps = capsOf(sessionLimits);
  const s = { lane: address, receiver: address, audience: "ws://a", caps };
  const r = { sender: address, session: address, receiver: address };
  const start = startDialogue(
    startSenderSession(foundSenderSession(nonce, s, secretFor)).keystone,
    startReceiverSession(foundReceiverSession(nonce, r, secretFor)).keystone,
    caps,
  );
  const names = Array.from({ length: count }, (_, at) => at.toString(16).toUpperCase().padStart(64, "0"));
  const roots = names.map((gib) => ({ address: addressOf("note", gib) }));
  let dialogue = start;
  for (let at = 0; at < count; at += count / parts) {
    hashed.times = 0;
    const entries = roots.slice(at, at + count / parts);
    dialogue = tallyPayload(dialogue, "sender", Uint8Array.of(2), { ...noContent, entries });
    expect(hashed.times).toBeLessThan(count / parts + besides);
  }
  const { signed } = signTurn(
    dialogue,
    "sender",
    { type: "init", saga: "5a".repeat(16), direction: "both" },
    secretFor,
  );
  hashed.times = 0;
  const { verified } = checkTurn(dialogue, "sender", signed, TurnFromSender);
  expect(hashed.times).toBeLessThan(count + besides);
  expect(verified.message).toMatchObject({ type: "init", entries: roots });
});

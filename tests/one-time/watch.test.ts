import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { sealRecord } from "../../src/ibgib/index.js";
import { foundLane, nextFrame, signFrame, startReplay } from "../../src/keystone/index.js";
import {
  inChild,
  Ledger,
  ledger,
  noteSigned,
  type Signed,
  SignedTwice,
  signedInChildren,
  signsTwice,
} from "./ledger.js";
import { programOf } from "../programs/program.js";

const secret = new Uint8Array(32).fill(1);
const somebody = sealRecord({ ib: "somebody", data: { a: 1 } }).address;

/** Signs a second frame of a new lane, about `target`; of one nonce, always with the same key. */
function signOnce(nonce: number, target: string): string {
  const names = { delegator: somebody, receiver: somebody };
  const genesis = foundLane(new Uint8Array(32).fill(nonce), names, () => secret);
  const state = startReplay(genesis, "lane");
  const unsigned = nextFrame(state, { verb: "vouch", target, scope: somebody }, () => secret);
  return signFrame(unsigned, state, () => secret).address;
}

test("a one-time key that is about to sign a second message throws, and fails its test if that is swallowed (threat 5)", () => {
  expect(signOnce(1, "one")).toBe(signOnce(1, "one"));
  expect(() => ledger().check()).not.toThrow();
  expect(() => signOnce(1, "another")).toThrow(SignedTwice);
  expect(() => ledger().check()).toThrow(SignedTwice);
  expect(() => ledger().check()).not.toThrow(); // told once; else this very test would fail
});

test("a second message on purpose has to be said, and has to be one", async () => {
  signOnce(2, "one");
  await signsTwice(() => signOnce(2, "another"));
  expect(signOnce(2, "another")).not.toBe(signOnce(2, "one"));
  await expect(signsTwice(() => signOnce(2, "one"))).rejects.toThrow("not needed");
  expect(() => signOnce(2, "a third")).toThrow(SignedTwice);
  expect(() => ledger().check()).toThrow(SignedTwice);
});

test("what a process signs is written down before, and is held against all others", async () => {
  const run = async (target: string) => {
    const child = spawn(process.execPath, [...inChild.args(), programOf("tests/one-time/sign.ts"), target], {
      stdio: "inherit",
      env: { ...process.env, ...inChild.env },
    });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  };
  await Promise.all([run("one"), run("one")]);
  const [first, again, ...none] = signedInChildren();
  expect(first).toBeDefined();
  expect([again, ...none]).toEqual([first]);

  await run("another");
  const noteAll = (note: (signed: Signed) => void) => () => {
    for (const signed of signedInChildren()) note(signed);
  };
  const all = new Ledger();
  expect(noteAll((signed) => all.note(signed))).toThrow(SignedTwice);
  await signsTwice(noteAll(noteSigned));
});

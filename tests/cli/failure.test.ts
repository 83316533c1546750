import { expect, test } from "vitest";
import { failureLine } from "../../src/cli/failure.js";
import { describeError, KeysagaError } from "../../src/index.js";

function refusedBySystem(code: string, text: string) {
  return Object.assign(new Error(`${code}: ${text}, write`), { code, syscall: "write", path: "/notes/a.md" });
}

test.each([
  ["ENOSPC", "no space left on device", "There is no space left on the disk."],
  ["EDQUOT", "disk quota exceeded", "the quota on this disk is used up"],
  ["EACCES", "permission denied", "no permission"],
  ["EROFS", "read-only file system", "the disk is read-only"],
  ["EIO", "i/o error", "the disk reports an error"],
  ["EMFILE", "too many open files", "this process has too many files open"],
])("%s reaches a person as a sentence, with the file", (code, text, words) => {
  const line = failureLine(refusedBySystem(code, text));
  expect(line).toContain(words);
  expect(line).toContain("/notes/a.md");
  expect(line).not.toContain(code);
  expect(line).not.toContain(text);
});

test("a refused handshake says what the operator of the receiver needs, and how to allow it", () => {
  const facts = {
    told: "by the other side",
    identity: "keystone.identity^AB",
    dialled: "wss://sync.example",
  };
  const line = failureLine(new KeysagaError("auth_fail", facts));
  for (const part of ["keysaga admit keystone.identity^AB", "--audience wss://sync.example", "--origin"])
    expect(line).toContain(part);
});

test("a wrong pin names both identities, and what to do", () => {
  const facts = {
    pinned: "keystone.identity^AA",
    answered: "keystone.identity^BB",
    dialled: "ws://127.0.0.1:1",
  };
  const line = failureLine(new KeysagaError("receiver_changed", facts));
  expect(line).toContain("pinned is keystone.identity^AA, but keystone.identity^BB answers");
  expect(line).toContain("--pin keystone.identity^BB");
});

test("a limit says whose it is, its name and its value", () => {
  const ours = new KeysagaError("limit_exceeded", { side: "ours", limit: "bytesMax", max: 64 * 1024 ** 2 });
  expect(failureLine(ours)).toBe("the limit bytesMax of this side was exceeded: at most 64 MiB");
  expect(failureLine(new KeysagaError("limit_exceeded", { side: "theirs" }))).toContain(
    "a limit of the receiver",
  );
});

test("a full disk of the receiver is told as the receiver's", () => {
  const line = failureLine(new KeysagaError("disk_full", { told: "by the other side" }));
  expect(line).toBe(`at the receiver: ${describeError("disk_full")}`);
});

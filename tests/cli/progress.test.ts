/** What a person at a terminal sees of a command that takes its time, and a pipe does not. */
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sync } from "../../src/cli/commands/sync.js";
import type { FolderProgress } from "../../src/cli/folder/folder-progress.js";
import { ExchangeProgress, folderProgressText, ProgressLine } from "../../src/cli/progress.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { inStep, makeIdentity } from "./folders.js";
import { join } from "node:path";
import { receiverFor } from "./receiver.js";

const erase = "\r\u001b[K";

function terminal(isTTY = true, columns?: number) {
  const out = Object.assign(new PassThrough(), { isTTY, ...(columns !== undefined && { columns }) });
  return { out, shown: () => String(out.read() ?? "") };
}

describe("the line", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("shows nothing in the first second, then what there is, in place, and is gone at the end", async () => {
    const { out, shown } = terminal();
    const line = new ProgressLine(out);
    line.show("looking at files: 1 of 3");
    await vi.advanceTimersByTimeAsync(900);
    expect(shown()).toBe("");
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toBe(`${erase}looking at files: 1 of 3`);
    line.show("looking at files: 2 of 3");
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toBe(`${erase}looking at files: 2 of 3`);
    line.close();
    expect(shown()).toBe(erase);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([shown(), vi.getTimerCount()]).toEqual(["", 0]);
  });

  test("makes room for a line that stays, and for a question", async () => {
    const { out, shown } = terminal();
    const line = new ProgressLine(out);
    line.show("writing");
    await vi.advanceTimersByTimeAsync(1_200);
    shown();
    line.clear();
    expect(shown()).toBe(erase);
    let answer = (): void => undefined;
    const asked = line.aside(() => new Promise<void>((resolve) => (answer = resolve)));
    await vi.advanceTimersByTimeAsync(3_000);
    expect(shown()).toBe("");
    answer();
    await asked;
    await vi.advanceTimersByTimeAsync(200);
    expect(shown()).toBe(`${erase}writing`);
    line.close();
  });

  test("is erased where the process ends in the midst of it", async () => {
    const { out, shown } = terminal();
    const before = process.listeners("exit");
    const line = new ProgressLine(out);
    line.show("writing");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(shown()).toBe(`${erase}writing`);
    for (const listener of process.listeners("exit")) if (!before.includes(listener)) listener(130);
    expect(shown()).toBe(erase);
    line.close();
    expect(process.listeners("exit")).toEqual(before);
  });

  test("fits the terminal, and spells out what would steer it", async () => {
    const { out, shown } = terminal(true, 10);
    const line = new ProgressLine(out);
    line.show("a\u001b[31m6789012345");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(shown()).toBe(`${erase}a\\u001b[3`);
    line.close();
  });

  test("is never there in a pipe", async () => {
    const { out, shown } = terminal(false);
    const line = new ProgressLine(out);
    line.show("writing");
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(5_000);
    line.close();
    expect(shown()).toBe("");
  });

  test("tells files, records, bytes and rate, and what is waited for", () => {
    expect(folderProgressText({ doing: "writing", files: 1_200, of: 20_000 })).toBe(
      "writing files: 1,200 of 20,000",
    );
    vi.useFakeTimers({ toFake: ["performance"] });
    const at = new ExchangeProgress();
    const payload = { kind: "payload", from: "sender", records: 500, bytes: 1_500_000 } as const;
    expect(at.textOf(payload)).toBe("sending: 500 records, 1.5 MB");
    const total = { kind: "progress", saga: "s", direction: "up", records: 500, total: 2_000 } as const;
    expect(at.textOf(total)).toBeUndefined();
    vi.advanceTimersByTime(2_000);
    expect(at.textOf(payload)).toBe("sending: 1,000 of 2,000 records, 3.0 MB, 1.5 MB/s");
    at.textOf({ kind: "started", saga: "t", direction: "pull", roots: 1 });
    expect(at.textOf({ ...payload, from: "receiver" })).toBe("receiving: 500 records, 1.5 MB");
    expect(at.textOf({ kind: "waiting", reason: "turn" })).toBe("waiting for the receiver to answer");
  });
});

test("every step that takes each file of a folder tells how far it is", async () => {
  const dir = await temporaryDirectory();
  const [here, there] = [join(dir, "here"), join(dir, "there")];
  await writeTree(here, Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${at}.md`, `${at}`])));
  const identity = await makeIdentity();
  const told: FolderProgress[] = [];
  const last = () => Object.fromEntries(told.map(({ doing, files, of }) => [doing, [files, of]]));
  const { folder } = await syncFolder(identity, here, inStep, undefined, (at) => told.push(at));
  expect(last()).toEqual({ "looking at": [50, 50], recording: [50, 50] });
  expect(told.length).toBeGreaterThan(2);
  told.length = 0;
  await cloneFolder(identity, folder, there, inStep, (at) => told.push(at));
  expect(last()).toEqual({ writing: [50, 50] });
});

test("a command at a terminal leaves no listener of its line behind, whether it ends well or fails", async () => {
  const { people, serve } = await receiverFor("alice");
  const [alice] = people;
  const { url } = await serve();
  await writeTree(alice.dir, { "a.md": "1" });
  const at = (to: string) => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true });
    const context = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} };
    return sync.run(context, [alice.dir, to, "--home", alice.home]);
  };
  const before = process.listenerCount("exit");
  const running = at(url);
  expect(process.listenerCount("exit")).toBe(before + 1);
  expect(await running).toBe(0);
  await expect(at("ws://127.0.0.1:1")).rejects.toMatchObject({ code: "cannot_connect" });
  expect(process.listenerCount("exit")).toBe(before);
});

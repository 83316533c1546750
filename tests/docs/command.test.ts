/** The README's section on the command, typed as it stands: the first block on one machine, the others on another. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { programOf } from "../programs/program.js";
import { blocksOf, page } from "./markdown.js";
import { freePort } from "./port.js";

test("the README's commands do what it says", async () => {
  const dir = mkdtempSync(join(tmpdir(), "keysaga-readme-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const port = String(await freePort());
  const blocks = blocksOf(page("README.md")).filter(({ info }) => info === "sh");
  const [receives = "", ...sends] = blocks.map(({ code }) => code.replaceAll("4747", port));
  installCommand(join(dir, "bin"));
  mkdirSync(join(dir, "notes"));
  writeFileSync(join(dir, "notes", "note.txt"), "the first line\n");

  const receiver = shell(dir, receives);
  onTestFinished(() => endAll(receiver.child));
  await receiver.said(/ready at ws:/);
  const sender = shell(dir, sends.join("\n"));
  expect(await sender.status, sender.text()).toBe(0);

  expect(readFileSync(join(dir, "notes", "note.txt"), "utf8")).toBe("the first line\none more line\n");
  expect(sender.text()).toMatch(/↑ note\.txt/);
  expect(sender.text()).toMatch(/↓ note\.txt/);
});

/** Puts a `keysaga` into `bin`. */
function installCommand(bin: string): void {
  mkdirSync(bin);
  const file = join(bin, "keysaga");
  writeFileSync(file, `#!/bin/sh\nexec "${process.execPath}" "${programOf("src/cli/main.ts")}" "$@"\n`);
  chmodSync(file, 0o755);
}

/** Runs a script that ends with its first failing line; `said` waits for what it prints. */
function shell(dir: string, script: string) {
  const path = `${join(dir, "bin")}${delimiter}${process.env["PATH"]}`;
  const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
    cwd: dir,
    env: { ...process.env, PATH: path },
    detached: true, // a process group of its own, to be ended as a whole
  });
  let text = "";
  const status = new Promise<number | null>((resolve) => child.on("close", resolve));
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => pattern.test(text) && resolve();
      child.stdout.on("data", look);
      child.on("close", () => reject(new Error(`ended without saying ${pattern}: ${text}`)));
    });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (more) => (text += more));
  return { child, status, said, text: () => text };
}

function endAll({ pid, exitCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, "SIGKILL");
}

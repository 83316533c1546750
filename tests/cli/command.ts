import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { registerCommand } from "../canary/homes.js";
import { searchFor } from "../canary/watch.js";
import { inChild } from "../one-time/ledger.js";
import { programOf } from "../programs/program.js";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The first line on stdout; rejects where the process ends without one. */
  readonly firstLine: Promise<string>;
}

/**
 * Starts `keysaga` as a person would, without a terminal. It is killed when the test ends, at the latest. What its
 * one-time keys sign is checked.
 */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Running {
  const child = spawn(process.execPath, [...inChild.args(), programOf("src/cli/main.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...inChild.env, ...env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const output = { stdout: "", stderr: "" };
  let onLine: (line: string) => void = () => {};
  const line = new Promise<string>((resolve) => {
    onLine = resolve;
  });
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk;
    const end = output.stdout.indexOf("\n");
    if (end >= 0) onLine(output.stdout.slice(0, end));
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      registerCommand(args, env);
      searchPrinted(args[0], output);
      resolve({ code, signal, ...output });
    });
  });
  const early = ended.then(({ stderr }) => Promise.reject(new Error(`ended without a line: ${stderr}`)));
  const firstLine = Promise.race([line, early]);
  firstLine.catch(() => undefined); // only some tests wait for it
  return { child, ended, firstLine };
}

/** Looks for secrets in what a command has printed. The key in an invite is what that command prints, once. */
export function searchPrinted(
  command: string | undefined,
  { stdout, stderr }: Pick<Ended, "stdout" | "stderr">,
) {
  searchFor("a command's stdout", stdout, command === "invite" ? ["derived secret"] : []);
  searchFor("a command's stderr", stderr);
}

/** Runs `keysaga` to its end. */
export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ended> {
  return start(args, env, cwd).ended;
}

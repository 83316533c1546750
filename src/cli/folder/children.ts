import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as z from "zod";

/** How a command ended that ran in a process of its own. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

export interface RunningReceiver {
  readonly url: string;
  readonly identity: string;
  /** Asks it to end in order, and resolves with its exit code. */
  stop(): Promise<number>;
}

const Ready = z.object({ event: z.literal("ready"), url: z.string(), identity: z.string() });

/**
 * Runs `keysaga ARGS` in another process, by the entry that this one was started with, sources or built code alike.
 *
 * @param signal Ends the other process.
 */
export async function runCommand(args: readonly string[], signal: AbortSignal): Promise<Finished> {
  const child = start(args, signal);
  const [stdout, stderr, exitCode] = await Promise.all([
    linesOf(child.stdout),
    linesOf(child.stderr),
    endOf(child),
  ]);
  signal.throwIfAborted();
  return { exitCode, stdout, stderr };
}

/** Starts `keysaga serve ARGS`, and resolves once it says that it is ready. @throws Error with what it said instead. */
export async function startReceiver(args: readonly string[], signal: AbortSignal): Promise<RunningReceiver> {
  const child = start(["serve", "--json", ...args], signal);
  const end = endOf(child);
  const said = linesOf(child.stderr);
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = Ready.safeParse(JSON.parse(line)).data;
    if (!ready) continue;
    child.stdout.resume();
    return {
      url: ready.url,
      identity: ready.identity,
      stop() {
        child.kill("SIGTERM");
        return end;
      },
    };
  }
  await end;
  signal.throwIfAborted();
  throw new Error(`the receiver did not start: ${(await said).join(" ")}`);
}

function start(args: readonly string[], signal: AbortSignal) {
  const [, entry = ""] = process.argv;
  const command = [...process.execArgv, entry, ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
  const stop = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  child.once("close", () => signal.removeEventListener("abort", stop));
  return child;
}

/** The exit code once nothing of the process is left; 1 for one that was killed or could not be started. */
function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (exitCode) => resolve(exitCode ?? 1));
  });
}

async function linesOf(stream: Readable): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) lines.push(line);
  return lines;
}

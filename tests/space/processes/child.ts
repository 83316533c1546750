import {
  type ChildProcessByStdio,
  type SpawnOptionsWithStdioTuple,
  type StdioNull,
  type StdioPipe,
  spawn,
} from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { inChild } from "../../one-time/ledger.js";
import { programOf } from "../../programs/program.js";

/** A program of the tests, running in a process of its own; what its one-time keys sign is checked. */
export interface Child {
  /** Its lines of output so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed so many lines; rejects when it ended before. */
  printed(count: number): Promise<void>;
  /** kill -9. */
  kill(): void;
  /** Resolves when it is gone: undefined where it was killed. */
  readonly ended: Promise<number | undefined>;
}

/** @param program A file of the tests, as `space/processes/count.ts`. */
export function startChild(program: string, ...args: readonly string[]): Child {
  return watch(program, spawn(process.execPath, nodeArguments(program, args), options));
}

/** With a disk that is full: no file grows beyond so many half kilobytes. What lmdb prints of it is not shown. */
export function startOnFullDisk(halfKilobytes: number, program: string, ...args: readonly string[]): Child {
  const command = ["-c", `ulimit -f ${halfKilobytes}; exec "$0" "$@" 2>/dev/null`, process.execPath];
  return watch(program, spawn("sh", [...command, ...nodeArguments(program, args)], options));
}

const options: SpawnOptionsWithStdioTuple<StdioNull, StdioPipe, StdioNull> = {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, ...inChild.env },
};

function nodeArguments(program: string, args: readonly string[]): string[] {
  return [...inChild.args(), programOf(`tests/${program}`), ...args];
}

function watch(program: string, child: ChildProcessByStdio<null, Readable, null>): Child {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const ended = endOf(child);
  return { lines, ended, kill: () => child.kill("SIGKILL"), printed };

  async function printed(count: number): Promise<void> {
    const isEnough = new Promise<void>((resolve) => {
      const look = (): void => {
        if (lines.length >= count) resolve();
      };
      reader.on("line", look);
      look();
    });
    const isOver = ended.then(() => {
      if (lines.length < count) throw new Error(`${program} ended after ${lines.length} lines`);
    });
    await Promise.race([isEnough, isOver]);
  }
}

function endOf(child: ChildProcessByStdio<null, Readable, null>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? undefined));
  });
}

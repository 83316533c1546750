import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";

/** What a command takes from the process it runs in; tests of a command run the real one. */
export interface Context {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where the identity lies: what `--home` says, else KEYSAGA_HOME, else `~/.keysaga`. */
export function homeDir({ env }: Context, option: string | undefined): string {
  return resolve(option || env["KEYSAGA_HOME"] || join(homedir(), ".keysaga"));
}

/** One line of what was asked for. */
export function print({ stdout }: Context, line: string): void {
  stdout.write(`${printable(line)}\n`);
}

/** A document that others check byte for byte, as one line. On a terminal it is text like any other. */
export function printExactly(context: Context, line: string): void {
  if (context.stdout.isTTY) print(context, line);
  else context.stdout.write(`${line}\n`);
}

/** One line for the person beside it: progress, warnings, logs. */
export function note({ stderr }: Context, line: string): void {
  stderr.write(`${printable(line)}\n`);
}

/**
 * Records and their names are other people's: what would steer a terminal is spelled out, as `\u001b`. JSON stays
 * the same JSON.
 */
export function printable(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

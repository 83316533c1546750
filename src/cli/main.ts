#!/usr/bin/env node
/** The `keysaga` command: finds the command that is meant, runs it, and says in one line what went wrong. */
import { type Command, columns, type ExitCode, exitCodes, UsageError } from "./command.js";
import { commands } from "./commands.js";
import { type Context, note, print } from "./context.js";
import { failureLine } from "./failure.js";
import { version } from "./version.js";

/** @param args What stands behind `keysaga`. */
async function main(context: Context, args: readonly string[]): Promise<ExitCode> {
  const [first, ...rest] = args;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    return showHelp(context, rest[0]);
  }
  if (first === "--version" || first === "-v") {
    print(context, version());
    return exitCodes.ok;
  }
  const command = await find(first);
  if (command === undefined) return fail(context, new UsageError(unknown(first)), undefined);
  try {
    return await command.run(context, rest);
  } catch (thrown) {
    return fail(context, thrown, command);
  }
}

async function find(name: string): Promise<Command | undefined> {
  return Object.hasOwn(commands, name) ? commands[name]?.() : undefined;
}

function unknown(name: string): string {
  return name.startsWith("-") ? `unknown option '${name}'` : `unknown command '${name}'`;
}

async function showHelp(context: Context, name: string | undefined): Promise<ExitCode> {
  const command = name === undefined ? undefined : await find(name);
  if (name !== undefined && command === undefined) {
    return fail(context, new UsageError(unknown(name)), undefined);
  }
  context.stdout.write(command?.help ?? (await overview()));
  return exitCodes.ok;
}

async function overview(): Promise<string> {
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  return [
    "Usage: keysaga COMMAND [options]",
    "",
    "Keeps records in step between machines, every turn signed by both sides.",
    "",
    "Commands:",
    ...columns(all.map(({ name, summary }) => [name, summary] as const)),
    "",
    "Options:",
    ...columns([
      ["-h, --help", "Show this help; with a command, that command's."],
      ["-v, --version", "Print the version."],
    ]),
    "",
  ].join("\n");
}

/** One line that says what to do, never a stack, unless KEYSAGA_DEBUG asks for one. */
function fail(context: Context, thrown: unknown, command: Command | undefined): ExitCode {
  if (context.env["KEYSAGA_DEBUG"]) note(context, stackOf(thrown));
  if (thrown instanceof UsageError) {
    note(context, `keysaga: ${thrown.message}; see keysaga ${command ? `${command.name} ` : ""}--help`);
    return exitCodes.usage;
  }
  note(context, `keysaga: ${failureLine(thrown)}`);
  return exitCodes.failed;
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}

/** Whoever reads our output may stop reading, as `head` does: that is no failure, and there is nobody left to tell. */
function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
}

/** lmdb prints what it throws as well: the line above is the one for people. */
function silenceLibraries(): void {
  if (!process.env["KEYSAGA_DEBUG"]) console.error = () => undefined;
}

endQuietlyOnBrokenPipe();
silenceLibraries();
// Not `process.exit`: what was printed has to reach a pipe first.
process.exitCode = await main(process, process.argv.slice(2));

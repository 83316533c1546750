import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { Command } from "../../src/cli/command.js";
import { share } from "../../src/cli/commands/share.js";
import { sync } from "../../src/cli/commands/sync.js";
import type { Address } from "../../src/index.js";
import { createHome } from "../../src/node/index.js";
import { type Ended, searchPrinted, start } from "./command.js";
import { temporaryDirectory } from "./directories.js";

/** Someone with a home, and a directory that is not there yet. */
export interface Person {
  readonly home: string;
  readonly identity: Address;
  readonly dir: string;
}

/** Homes of a receiver and of people it admits, in a directory that is gone when the test has ended. */
export async function receiverFor<Names extends readonly string[]>(...names: Names) {
  const dir = await temporaryDirectory();
  const receiver = await personIn(dir, "receiver");
  const people = await Promise.all(names.map((name) => personIn(dir, name)));
  const allow = people.flatMap(({ identity }) => ["--allow", identity]);
  return {
    dir,
    receiver,
    people: people as { [At in keyof Names]: Person },
    /** Starts the receiver in a process of its own. */
    serve: (port = "0", ...options: readonly string[]) =>
      serve(["--home", receiver.home, "--port", port, ...allow, ...options]),
  };
}

async function personIn(dir: string, name: string): Promise<Person> {
  const home = join(dir, `home-${name}`);
  return { home, identity: (await createHome({ dir: home })).address, dir: join(dir, name) };
}

async function serve(args: readonly string[]) {
  const { child, ended, firstLine } = start(["serve", "--json", ...args]);
  const { url } = JSON.parse(await firstLine);
  const stop = (signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<Ended> => {
    child.kill(signal);
    return ended;
  };
  return { url: String(url), stop };
}

/** Alice's directory is shared with someone, and synced, so that the receiver knows. */
export async function shareFolder(
  { home, dir }: Person,
  url: string,
  other: Person,
  ...options: readonly string[]
): Promise<void> {
  await runHere(share, dir, other.identity, "--home", home, ...options);
  await runHere(sync, dir, url, "--home", home);
}

/** Runs a command in this process: what it prints, or the rejection that `main` would tell in a line. */
export function runHere(command: Command, ...args: readonly string[]) {
  return runHereOn(new PassThrough(), command, ...args);
}

/** The same with something to read. */
export async function runHereOn(stdin: Readable, command: Command, ...args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exitCode = await command.run({ stdin, stdout, stderr, env: {} }, args);
  const printed = { stdout: textOf(stdout), stderr: textOf(stderr) };
  searchPrinted(command.name, printed);
  return { exitCode, ...printed };
}

function textOf(stream: PassThrough): string {
  return String(stream.read() ?? "");
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { type Address, isAddress, shortAddress } from "../../index.js";
import { createHome } from "../../node/index.js";
import { type RunningReceiver, runCommand, startReceiver } from "./children.js";
import {
  type Counts,
  compareStores,
  expectCounts,
  expectFiles,
  expectThat,
  textsOf,
  writeText,
} from "./demo-checks.js";
import { scanDirectory } from "./disk.js";
import { FolderError } from "./errors.js";
import { counted } from "./report.js";

/** The package's own documents: they stand beside the sources as beside the built code. */
export const ownDocs = fileURLToPath(new URL("../../../docs", import.meta.url));

/** What a demo needs from outside. */
export interface Stage {
  /** One line for the audience. */
  say(line: string): void;
  /** Ends it early, and the processes it has started. */
  readonly signal: AbortSignal;
}

/**
 * Plays the main story on a copy of the text files in `source`, in a temporary directory that is gone afterwards:
 * a receiver and two people, each with a home and processes of their own, sync a folder, share it, clone it, edit on
 * both sides and sync both ways; then all three stores are verified and compared, and so are the files.
 *
 * @throws DemoError at the first thing that does not come out; FolderError `no_text`, `not_a_directory`.
 */
export async function playDemo(source: string, stage: Stage): Promise<void> {
  const texts = await textsOf(await scanDirectory(source));
  if (texts.size === 0) throw new FolderError("no_text", { path: source });
  const dir = await mkdtemp(join(tmpdir(), "keysaga-demo-"));
  try {
    stage.say(`Everything happens in ${dir}, which is gone afterwards`);
    await new Demo(dir, stage).play(texts);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Someone who syncs: a home, an identity in it, and a directory of files. */
interface Person {
  readonly name: string;
  readonly home: string;
  readonly identity: Address;
  readonly dir: string;
}

/** What `sync --json` and `clone --json` print, as far as the demo tells it. */
const Report = z.object({
  folder: z.custom<Address>(isAddress),
  files: z.object({ up: z.number(), down: z.number(), unchanged: z.number() }),
  records: z.number(),
  turns: z.number(),
});

class Demo {
  readonly #started = performance.now();
  #records = 0;
  #turns = 0;

  constructor(
    private readonly dir: string,
    private readonly stage: Stage,
  ) {}

  async play(files: ReadonlyMap<string, string>): Promise<void> {
    this.#say("Three homes, each with an identity of its own");
    const receiver = await this.#person("receiver");
    const alice = await this.#person("alice");
    const bob = await this.#person("bob");

    this.#say("A receiver starts in its own process and admits alice and bob");
    const server = await this.#serve(receiver, [alice, bob]);
    const folder = await this.#untilStopped(server, () => this.#story(server, alice, bob, files));

    const all = [receiver, alice, bob];
    this.#say("Each store is verified: every keystone replayed, every record hashed again");
    await this.#verify(all);
    const homes = all.map(({ home }) => home);
    const timelines = await compareStores(homes, folder);
    const seconds = ((performance.now() - this.#started) / 1000).toFixed(1);
    this.#say(
      `${counted(timelines - 1, "file")}, ${counted(this.#records, "record")} moved, ` +
        `${counted(this.#turns, "signed turn")}, ${seconds} s: all three agree`,
    );
  }

  /** What alice and bob do. Returns the address of their folder. */
  async #story(
    server: RunningReceiver,
    alice: Person,
    bob: Person,
    before: ReadonlyMap<string, string>,
  ): Promise<Address> {
    const count = before.size;
    for (const [path, text] of before) await writeText(alice.dir, path, text);
    this.#say(`alice syncs a folder of ${counted(count, "file")}`);
    const folder = await this.#sync(alice, server, { up: count, down: 0, unchanged: 0 });
    const clone = ["clone", server.url, folder, bob.dir];
    this.#say("bob knows its address, which opens nothing");
    await this.#refuse(bob, clone, server);
    this.#say("alice shares it with bob, and syncs, so that the receiver knows");
    await this.#share(alice, bob);
    await this.#sync(alice, server, { up: 0, down: 0, unchanged: count });
    this.#say("bob clones it by its address");
    await this.#run(bob, clone, server, { up: 0, down: count, unchanged: 0 });
    for (const { dir } of [alice, bob]) await expectFiles(dir, before);

    const edits = editsOf(before);
    const after = new Map([...before, ...edits.alice, ...edits.bob, ...edits.merged]);
    await this.#edit(alice, edits.alice);
    await this.#edit(bob, edits.bob);
    const [mine, theirs, both] = [edits.alice.size, edits.bob.size, edits.merged.size];
    this.#say("alice syncs");
    await this.#sync(alice, server, { up: mine, down: 0, unchanged: after.size - mine });
    this.#say("bob syncs: his edits go up, hers come down, and what both have edited is merged");
    await this.#sync(bob, server, { up: theirs, down: mine, unchanged: after.size - mine - theirs + both });
    this.#say("alice syncs");
    await this.#sync(alice, server, { up: 0, down: theirs, unchanged: after.size - theirs });
    for (const { dir } of [alice, bob]) await expectFiles(dir, after);
    this.#say("Both directories hold the same files, byte for byte");
    return folder;
  }

  async #person(name: string): Promise<Person> {
    const [home, dir] = [join(this.dir, name), join(this.dir, `${name}-files`)];
    const { address } = await createHome({ dir: home });
    this.#tell(`${name.padEnd(8)} ${shortAddress(address)}`);
    return { name, home, identity: address, dir };
  }

  async #serve({ home }: Person, admitted: readonly Person[]): Promise<RunningReceiver> {
    const allow = admitted.flatMap(({ identity }) => ["--allow", identity]);
    const args = ["--home", home, "--port", "0", "--admit", "allow-list", ...allow];
    const server = await startReceiver(args, this.stage.signal);
    this.#tell(`ready at ${server.url}`);
    return server;
  }

  /** The receiver ends with `work`, however that ends. */
  async #untilStopped<Result>(server: RunningReceiver, work: () => Promise<Result>): Promise<Result> {
    const result = await work().finally(() => server.stop());
    const exitCode = await server.stop();
    this.#say(`The receiver was told to end: exit ${exitCode}`);
    expectThat(exitCode === 0, "the receiver did not end in order");
    return result;
  }

  /** What has to end with a sentence that says why not. */
  async #refuse({ name, home }: Person, args: readonly string[], server: RunningReceiver): Promise<void> {
    const options = ["--home", home, "--pin", server.identity];
    const { exitCode, stderr } = await runCommand([...args, ...options], this.stage.signal);
    for (const line of stderr) this.#tell(line);
    expectThat(exitCode === 1, `keysaga ${args[0]} of ${name} was not refused`);
  }

  async #share({ name, home, dir }: Person, other: Person): Promise<void> {
    const args = ["share", dir, other.identity, "--home", home];
    const { exitCode, stdout } = await runCommand(args, this.stage.signal);
    for (const line of stdout) this.#tell(line);
    expectThat(exitCode === 0, `keysaga share of ${name} ended with ${exitCode}`);
  }

  #sync(person: Person, server: RunningReceiver, expected: Counts): Promise<Address> {
    return this.#run(person, ["sync", person.dir, server.url], server, expected);
  }

  async #run(
    { name, home }: Person,
    args: readonly string[],
    server: RunningReceiver,
    expected: Counts,
  ): Promise<Address> {
    const options = ["--home", home, "--pin", server.identity, "--verbose", "--json"];
    const { exitCode, stdout, stderr } = await runCommand([...args, ...options], this.stage.signal);
    for (const line of stderr) this.#tell(line.replace(/\bsender\b/, name));
    expectThat(exitCode === 0, `keysaga ${args[0]} of ${name} ended with ${exitCode}`);
    const { folder, files, records, turns } = Report.parse(JSON.parse(stdout.join("\n")));
    this.#tell(`${files.up} up, ${files.down} down, ${files.unchanged} unchanged`);
    expectCounts(`${name}, ${args[0]}`, files, expected);
    this.#records += records;
    this.#turns += turns;
    return folder;
  }

  async #edit({ name, dir }: Person, edits: ReadonlyMap<string, string>): Promise<void> {
    this.#say(`${name} writes ${[...edits.keys()].join(" and ")}`);
    for (const [path, text] of edits) await writeText(dir, path, text);
  }

  async #verify(people: readonly Person[]): Promise<void> {
    const { signal } = this.stage;
    const ends = await Promise.all(people.map(({ home }) => runCommand(["verify", "--home", home], signal)));
    for (const [at, { exitCode, stdout, stderr }] of ends.entries()) {
      const name = people[at]?.name ?? "";
      this.#tell(`${name}: ${[...stdout, ...stderr].join(" ")}`);
      expectThat(exitCode === 0, `the store of ${name} did not verify`);
    }
  }

  #say(line: string): void {
    this.stage.say(line);
  }

  #tell(line: string): void {
    this.stage.say(`    ${line}`);
  }
}

/** Alice adds a file and writes at the end of another, bob writes at the top of that one and at the end of the last. */
function editsOf(files: ReadonlyMap<string, string>) {
  const alice = new Map([[nameFor(files), "A file by alice.\n"]]);
  const bob = new Map<string, string>();
  const merged = new Map<string, string>();
  const [last, end] = [...files].at(-1) ?? ["", ""];
  bob.set(last, `${end}\nA line by bob.\n`);
  // Edits are apart where there is a line between them.
  const shared = [...files].find(([path, text]) => path !== last && text.trim() !== "");
  if (shared) {
    const [path, text] = shared;
    alice.set(path, `${text}\nA line by alice.\n`);
    bob.set(path, `A line by bob.\n${text}`);
    merged.set(path, `A line by bob.\n${text}\nA line by alice.\n`);
  }
  return { alice, bob, merged };
}

function nameFor(files: ReadonlyMap<string, string>): string {
  for (let at = 1; ; at++) {
    const name = `from-alice-${at}.md`;
    if (!files.has(name)) return name;
  }
}

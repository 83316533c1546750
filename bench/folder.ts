/**
 * `npm run bench:folder`: what it costs to bring a directory of text files in step, next to `git add`, `commit` and `push`, and
 * to `rsync`, in the same run: the first time, with nothing to do, with one new file, and into an empty directory.
 *
 * Times are of the command and what it starts, on this side; a receiver of keysaga runs beside it. git and rsync write to
 * another directory of the same disk, ask nobody who they are and keep no proof. KEYSAGA_FILES says how many files there are
 * (2,000 and 20,000), KEYSAGA_ROUNDS how often all is done (3). Needs git, rsync and bash.
 */
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { showMs, summarize, table } from "./statistics.js";

const run = promisify(execFile);
const keysaga = new URL("../dist/cli/main.js", import.meta.url).pathname;
const counts = (process.env["KEYSAGA_FILES"] ?? "2000,20000").split(",").map(Number);
const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 3);
/** Files of one directory, in the layout with many. */
const filesEach = 4;

type Layout = "in one directory" | "in many";

interface Took {
  readonly elapsedMs: number;
  readonly processorMs: number;
}

/** Runs commands in a shell of their own, which counts what they and their children take. */
async function timed(dir: string, script: string): Promise<Took> {
  const { stderr } = await run(
    "bash",
    ["-ec", `TIMEFORMAT='took %R %U %S'; time { ${script}; } >/dev/null 2>errors`],
    {
      cwd: dir,
      maxBuffer: 1 << 28,
    },
  );
  const [, elapsed, user, system] = /took (\S+) (\S+) (\S+)/.exec(stderr)!.map(Number);
  return { elapsedMs: elapsed! * 1_000, processorMs: (user! + system!) * 1_000 };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 3_000));

/** Notes of some lines, each with words of its own. */
async function writeFiles(dir: string, count: number, layout: Layout): Promise<void> {
  for (let at = 0; at < count; at++) {
    const place = layout === "in one directory" ? "" : `${Math.floor(at / filesEach)}/`;
    const path = join(dir, `${place}note-${at}.md`);
    if (at % filesEach === 0) await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `# Note ${at}\n\n${`A line of note ${at}, as people write them.\n`.repeat(8)}`);
  }
}

async function serve(home: string): Promise<{ readonly url: string; stop(): void }> {
  const child = spawn(process.execPath, [
    keysaga,
    "serve",
    "--home",
    home,
    "--port",
    "0",
    "--admit",
    "open",
    "--json",
  ]);
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line);
    return { url: String(url), stop: () => void child.kill() };
  }
  throw new Error("the receiver did not start");
}

/** What is timed of one tool, in this order, and what comes before each. */
interface Tool {
  readonly name: string;
  readonly firstTime: string;
  readonly again: string;
  /** Not timed: lets somebody else have it. */
  readonly share: string;
  readonly clone: string;
}

function toolsFor(url: string): readonly Tool[] {
  const node = `'${process.execPath}' '${keysaga}'`;
  const sync = `${node} sync keysaga ${url} --home alice`;
  const git = "git -c user.name=a -c user.email=a@example.com -C git";
  const push = `${git} add -A; ${git} diff --cached --quiet || ${git} commit -qm x; ${git} push -q origin HEAD`;
  return [
    {
      name: "keysaga",
      firstTime: sync,
      again: sync,
      share: `${node} share keysaga $(${node} id --home bob) --home alice; ${sync}`,
      clone: `${node} clone ${url} $(grep -o 'folder^[0-9A-F]*' keysaga/.keysaga-folder) bob-keysaga --home bob`,
    },
    {
      name: "git",
      firstTime: `git init -q --bare remote.git; git init -q git; ${git} remote add origin ../remote.git; ${push}`,
      again: push,
      share: "true",
      clone: "git clone -q remote.git bob-git",
    },
    {
      name: "rsync",
      firstTime: "rsync -a rsync/ remote-rsync/",
      again: "rsync -a rsync/ remote-rsync/",
      share: "true",
      clone: "rsync -a remote-rsync/ bob-rsync/",
    },
  ];
}

const jobs = ["first time", "nothing to do", "one new file", "into an empty directory"] as const;

type Job = (typeof jobs)[number];

/** All jobs of all tools, once, in a directory that is gone afterwards. */
async function round(
  count: number,
  layout: Layout,
  note: (tool: string, job: Job, took: Took) => void,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "keysaga-bench-"));
  const shell = (script: string) => run("bash", ["-ec", script], { cwd: dir, maxBuffer: 1 << 28 });
  try {
    for (const home of ["alice", "bob", "receiver"])
      await shell(`'${process.execPath}' '${keysaga}' init --home ${home} --no-passphrase`);
    const receiver = await serve(join(dir, "receiver"));
    try {
      for (const { name, firstTime, again, share, clone } of toolsFor(receiver.url)) {
        await writeFiles(join(dir, name), count, layout);
        note(name, "first time", await timed(dir, firstTime));
        await settle(); // files as young as the look at them are read again
        await timed(dir, again);
        note(name, "nothing to do", await timed(dir, again));
        await writeFile(join(dir, name, "new.md"), "new\n");
        note(name, "one new file", await timed(dir, again));
        await shell(share);
        note(name, "into an empty directory", await timed(dir, clone));
      }
    } finally {
      receiver.stop();
    }
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

for (const count of counts)
  for (const layout of ["in one directory", "in many"] as const) {
    const took = new Map<string, Took[]>();
    for (let at = 0; at < rounds; at++)
      await round(count, layout, (tool, job, each) => {
        const key = `${tool} ${job}`;
        took.set(key, [...(took.get(key) ?? []), each]);
      });
    const cell = (tool: string, job: Job, what: keyof Took) =>
      showMs(summarize((took.get(`${tool} ${job}`) ?? []).map((each) => each[what])));
    const rows = jobs.map((job) => [
      job,
      ...["keysaga", "git", "rsync"].flatMap((tool) => [
        cell(tool, job, "elapsedMs"),
        cell(tool, job, "processorMs"),
      ]),
    ]);
    const head = ["keysaga", "git", "rsync"].flatMap((tool) => [`${tool} ms`, "processor"]);
    console.log(`\n${count.toLocaleString("en")} files ${layout}`);
    console.log(table([["", ...head], ...rows]));
  }

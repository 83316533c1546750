import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { expel } from "../../src/cli/commands/expel.js";
import { invite } from "../../src/cli/commands/invite.js";
import { sync } from "../../src/cli/commands/sync.js";
import { createHome } from "../../src/node/index.js";
import { run, start } from "./command.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { runHere, runHereOn, shareFolder } from "./receiver.js";

async function homes<Names extends readonly string[]>(...names: Names) {
  const dir = await temporaryDirectory();
  const made = names.map(async (name) => {
    const home = join(dir, `home-${name}`);
    return { home, identity: (await createHome({ dir: home })).address, dir: join(dir, name) };
  });
  const people = await Promise.all(made);
  return people as { [At in keyof Names]: (typeof people)[0] };
}

/** A receiver in a process of its own, which admits by invite. */
const startByInvite = (home: string) => start(["serve", "--home", home, "--port", "0", "--admit", "invite"]);

test("keysaga invite, beside a receiver that runs: two people get in, without anybody naming them", async () => {
  const [bob, alice, carol, eve] = await homes("bob", "alice", "carol", "eve");
  const { child, ended, firstLine } = startByInvite(bob.home);
  const url = /ws:\/\/[^\s]+/.exec(await firstLine)?.[0] ?? "";
  await writeTree(alice.dir, { "a.md": "one\n" });

  // As a person would: a process of its own, and one word to paste.
  const made = await run(["invite", "--home", bob.home]);
  expect(made.code).toBe(0);
  expect(made.stdout).toMatch(/^keysaga-invite\.v1\.[\w-]+\n$/);
  expect(made.stderr).toMatch(new RegExp(`^lets one identity in at ${url}, until \\d{4}-.*Z\n$`));
  const word = made.stdout.trim();

  const synced = await runHere(sync, alice.dir, word, "--home", alice.home, "--json");
  expect(synced.stderr).toBe(`${url} is remembered in place of the invite\n`);
  const { folder } = JSON.parse(synced.stdout);
  await shareFolder(alice, url, carol);

  // It is used up by alice; carol gets one of her own, and the URL will not do for her.
  const late = await run(["clone", word, folder, carol.dir, "--home", carol.home]);
  expect(late).toMatchObject({ code: 1, stdout: "" });
  expect(late.stderr).toMatch(/^keysaga: The receiver did not let this identity in by its invite: [^\n]+\n$/);
  await expect(runHere(clone, url, folder, carol.dir, "--home", carol.home)).rejects.toMatchObject({
    code: "auth_fail",
  });
  const second = await runHere(invite, "--home", bob.home, "--expires", "30m", "--json");
  const { invite: carols, receiver, id } = JSON.parse(second.stdout);
  expect(receiver).toBe(bob.identity);
  expect((await runHere(clone, carols, folder, carol.dir, "--home", carol.home)).exitCode).toBe(0);
  expect(await readTree(carol.dir)).toEqual(await readTree(alice.dir));

  // And out again, while it serves.
  await runHere(expel, carol.identity, "--home", bob.home);
  await expect(runHere(sync, carol.dir, url, "--home", carol.home)).rejects.toMatchObject({
    code: "auth_fail",
  });
  await runHere(sync, alice.dir, url, "--home", alice.home);
  await expect(runHere(sync, eve.dir, `${carols}x`, "--home", eve.home)).rejects.toMatchObject({
    code: "invite_malformed",
  });

  child.kill("SIGTERM");
  const { stderr } = await ended;
  expect(stderr).toContain("nobody can sync yet: let somebody in with keysaga invite\n");
  expect(stderr).toContain(`admitted ${alice.identity} by invite `);
  expect(stderr).toContain(`admitted ${carol.identity} by invite ${id}\n`);
  expect(stderr).toMatch(/ failed .*: invite_refused: the invite [0-9a-f]{32} does not count: used$/m);
  // What opens an invite is in no log; what names it may be.
  for (const secret of [word, carols])
    expect(stderr).not.toContain(secret.slice("keysaga-invite.v1.".length));
});

test("an invite comes by standard input as well, and so is in no list of processes", async () => {
  const [bob, alice, eve] = await homes("bob", "alice", "eve");
  const { child, ended, firstLine } = startByInvite(bob.home);
  await firstLine;
  await writeTree(alice.dir, { "a.md": "one\n" });
  const { stdout: word } = await runHere(invite, "--home", bob.home);
  const synced = await runHereOn(Readable.from([word]), sync, alice.dir, "-", "--home", alice.home);
  expect(synced.stderr).toMatch(/^ws:\S+ is remembered in place of the invite\n$/);
  const nothing = runHereOn(Readable.from([]), sync, alice.dir, "-", "--home", eve.home);
  await expect(nothing).rejects.toThrow();
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
});

test("keysaga invite says in one line what is missing", async () => {
  const [bob] = await homes("bob");
  const failure = (...args: string[]) => runHere(invite, "--home", bob.home, ...args);
  await expect(failure()).rejects.toThrow("no receiver was served from this home yet");
  await expect(failure("--url", "https://sync.example")).rejects.toThrow("--url takes what senders dial");
  await expect(failure("--url", "wss://a:b@sync.example")).rejects.toMatchObject({ code: "invite_not_made" });
  await expect(failure("--url", "wss://sync.example", "--expires", "soon")).rejects.toThrow(
    "--expires takes",
  );
  await expect(failure("--url", "wss://sync.example", "--expires", "2000-01-01")).rejects.toThrow(
    "has passed",
  );
  const made = await failure("--url", "wss://sync.example/team", "--expires", "7d");
  expect(made.stderr).toMatch(/^lets one identity in at wss:\/\/sync\.example\/team, until /);
});

test("keysaga invite warns where the invite would be good for nothing at the receiver as it is served", async () => {
  const [bob] = await homes("bob");
  const at = ["--home", bob.home, "--port", "0", "--audience", "wss://sync.example"];
  const { child, ended, firstLine } = start(["serve", ...at]);
  await firstLine;
  const made = await runHere(invite, "--home", bob.home);
  expect(made.stderr).toMatch(
    /^lets one identity in at wss:\/\/sync\.example, until .*\n.*without --admit invite/,
  );
  const other = await runHere(invite, "--home", bob.home, "--url", "wss://other.example");
  expect(other.stderr).toMatch(/was last served for wss:\/\/sync\.example: there, this URL is refused\n/);
  child.kill("SIGTERM");
  expect((await ended).code).toBe(0);
});

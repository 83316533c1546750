/** The home remembers which receiver a directory is in step with. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { status } from "../../src/cli/commands/status.js";
import { sync } from "../../src/cli/commands/sync.js";
import { run } from "./command.js";
import { writeTree } from "./directories.js";
import { receiverFor, runHere, shareFolder } from "./receiver.js";

test("a directory that was in step needs no URL, from without, from within, and as a clone", async () => {
  const { people, serve } = await receiverFor("alice", "bob");
  const [alice, bob] = people;
  const { url } = await serve();
  const home = ["--home", alice.home];
  await writeTree(alice.dir, { "a.md": "1", "d/b.md": "1" });
  await runHere(sync, alice.dir, url, ...home);
  expect((await runHere(status, alice.dir, ...home)).stdout).toContain(`\nreceiver ${url}\n`);
  expect(await readFile(join(alice.dir, ".keysaga-folder"), "utf8")).not.toContain(url);

  await writeTree(alice.dir, { "a.md": "2" });
  expect((await runHere(sync, alice.dir, ...home)).stdout).toMatch(/^folder .*\n↑ a\.md\n/);
  await writeTree(alice.dir, { "d/b.md": "2" });
  const within = await run(["sync", ...home], {}, join(alice.dir, "d"));
  expect(within).toMatchObject({ code: 0, stdout: expect.stringMatching(/^folder .*\n↑ d\/b\.md\n/) });

  await shareFolder(alice, url, bob);
  const { folder } = JSON.parse((await runHere(status, alice.dir, "--json", ...home)).stdout);
  await runHere(clone, url, folder, bob.dir, "--home", bob.home);
  await writeTree(bob.dir, { "a.md": "3" });
  expect((await runHere(sync, bob.dir, "--home", bob.home)).stdout).toContain("↑ a.md");
  expect((await runHere(sync, alice.dir, ...home)).stdout).toContain("↓ a.md");
});

test("another URL is used and remembered once it has answered, and a mistyped one is not", async () => {
  const { people, serve } = await receiverFor("alice");
  const [alice] = people;
  const home = ["--home", alice.home];
  const first = await serve();
  await writeTree(alice.dir, { "a.md": "1" });
  await runHere(sync, alice.dir, first.url, ...home);
  await expect(runHere(sync, alice.dir, "ws://127.0.0.1:1", ...home)).rejects.toMatchObject({
    code: "cannot_connect",
  });
  const receiver = async () =>
    JSON.parse((await runHere(status, alice.dir, "--json", ...home)).stdout).receiver;
  expect(await receiver()).toBe(first.url);
  await first.stop();
  const second = await serve();
  await runHere(sync, alice.dir, second.url, ...home);
  expect(await receiver()).toBe(second.url);
});

test("without a URL that is known, or with one in the folder's place, it says what to do", async () => {
  const { dir, people } = await receiverFor("alice");
  const [alice] = people;
  const home = ["--home", alice.home];
  await mkdir(alice.dir);
  await expect(runHere(sync, alice.dir, ...home)).rejects.toMatchObject({ rule: "no_receiver" });
  expect(await run(["sync", ...home], {}, alice.dir)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^keysaga: no receiver is remembered .*: keysaga sync FOLDER URL \(/),
  });
  for (const url of ["ws://127.0.0.1:1", "wss://sync.example.org", "-"])
    await expect(runHere(sync, url, ...home)).rejects.toThrow("say keysaga sync . URL");
  await expect(runHere(sync, join(dir, "none"), ...home)).rejects.toMatchObject({ rule: "not_a_directory" });
});

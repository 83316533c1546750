/** A home that was put back from a backup, beside directories that are newer: folders go on, and no edit is lost. */
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sync } from "../../src/cli/commands/sync.js";
import { openHome } from "../../src/node/index.js";
import { writeTree } from "./directories.js";
import { receiverFor, runHere } from "./receiver.js";

async function opened() {
  const { people, serve, dir } = await receiverFor("alice", "carol");
  const [alice, carol] = people;
  const server = await serve();
  const backup = join(dir, "backup");
  const at = (of = alice.dir) => [of, server.url, "--home", alice.home];
  return {
    dir,
    alice,
    carol,
    server,
    at,
    backUp: () => cp(alice.home, backup, { recursive: true }),
    async putBack() {
      await rm(alice.home, { recursive: true });
      await cp(backup, alice.home, { recursive: true });
    },
    text: (path: string) => readFile(join(alice.dir, path), "utf8"),
  };
}

test("edits, new files and removals since are no conflicts, and what came of them is told in a line", async () => {
  const { alice, server, at, backUp, putBack, text } = await opened();
  await writeTree(alice.dir, { "a.md": "1\n", "b.md": "1\n", "gone.md": "1\n", "same.md": "1\n" });
  await runHere(sync, ...at());
  await backUp();
  await writeTree(alice.dir, { "a.md": "1\n2\n", "new.md": "1\n2\n3\n", "as it was.md": "1\n" });
  await rm(join(alice.dir, "gone.md"));
  await runHere(sync, ...at());
  await writeTree(alice.dir, { "a.md": "1\n2\n3\n" });
  await runHere(sync, ...at());

  await putBack();
  await writeTree(alice.dir, { "a.md": "1\n2\n3\n4\n", "new.md": "1\n2\n3\n4\n", "b.md": "0\n1\n" });
  const { exitCode, stderr, stdout } = await runHere(sync, ...at());
  expect(stderr).toContain("this home is older than what the receiver knows of it");
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stdout).toContain("3 up, 0 down, 2 unchanged");
  expect(exitCode).toBe(0);
  expect([await text("a.md"), await text("new.md"), await text("b.md")]).toEqual([
    "1\n2\n3\n4\n",
    "1\n2\n3\n4\n",
    "0\n1\n",
  ]);
  await expect(text("gone.md")).rejects.toMatchObject({ code: "ENOENT" });
  const again = await runHere(sync, ...at());
  expect(again).toMatchObject({ exitCode: 0, stderr: "" });
  expect(again.stdout).toContain("0 up, 0 down, 5 unchanged");
  await server.stop();
});

test("a directory that was put back with the home gets what was written since", async () => {
  const { alice, server, at, backUp, putBack, text } = await opened();
  await writeTree(alice.dir, { "a.md": "1\n", "b.md": "1\n" });
  await runHere(sync, ...at());
  await backUp();
  await writeTree(alice.dir, { "a.md": "1\n2\n", "b.md": "1\n2\n" });
  await runHere(sync, ...at());

  await putBack();
  await writeTree(alice.dir, { "a.md": "1\n", "b.md": "0\n1\n" });
  expect(await runHere(sync, ...at())).toMatchObject({ exitCode: 0 });
  expect([await text("a.md"), await text("b.md")]).toEqual(["1\n2\n", "0\n1\n2\n"]);
  await server.stop();
});

test("a folder that was made since goes on by its marker", async () => {
  const { alice, server, at, backUp, putBack, dir, text } = await opened();
  const other = join(dir, "other");
  await writeTree(other, { "o.md": "1\n" });
  await runHere(sync, ...at(other));
  await backUp();
  await writeTree(alice.dir, { "a.md": "1\n2\n" });
  const first = await runHere(sync, ...at());

  await putBack();
  await writeTree(alice.dir, { "a.md": "1\n2\n3\n" });
  const { exitCode, stdout } = await runHere(sync, ...at());
  expect(exitCode).toBe(0);
  expect(stdout.split("\n")[0]).toBe(first.stdout.split("\n")[0]);
  expect(await text("a.md")).toBe("1\n2\n3\n");
  expect(await runHere(sync, ...at(other))).toMatchObject({ exitCode: 0 });
  await server.stop();
});

test("a home from before it met anybody signs nothing for a directory that it has synced since, and says why", async () => {
  const { alice, server, at, backUp, putBack } = await opened();
  await backUp();
  await writeTree(alice.dir, { "a.md": "1\n" });
  await runHere(sync, ...at());
  await putBack();
  await expect(runHere(sync, ...at(), "--unconfirmed")).rejects.toMatchObject({ rule: "unknown_marker" });
  const { space, close } = await openHome({ dir: alice.home });
  expect(await space.cells("journal/")).toEqual([]);
  await close();
  await server.stop();
});

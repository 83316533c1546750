/** Two people with homes of their own, who edit one folder apart and sync it through a receiver. */
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { sync } from "../../src/cli/commands/sync.js";
import { compareStores } from "../../src/cli/folder/demo-checks.js";
import type { FolderJson } from "../../src/cli/folder/report.js";
import { type Problem, parseAddress, verifySpace } from "../../src/index.js";
import { openHomeStore } from "../../src/node/index.js";
import { readTree, writeTree } from "./directories.js";
import { type Person, receiverFor, runHere, shareFolder } from "./receiver.js";

type Files = Readonly<Record<string, string>>;

/** A folder of alice, shared with bob, who has cloned it, and a receiver that both sync with. */
async function sharedFolder(files: Files) {
  const { receiver, people, serve } = await receiverFor("alice", "bob");
  const [alice, bob] = people;
  const server = await serve();
  const syncOf = async ({ dir, home }: Person) => {
    const { exitCode, stdout } = await runHere(sync, dir, server.url, "--home", home, "--json");
    const report: FolderJson = JSON.parse(stdout);
    return { exitCode, ...report };
  };
  await writeTree(alice.dir, files);
  const { folder } = await syncOf(alice);
  await shareFolder(alice, server.url, bob);
  await runHere(clone, server.url, folder, bob.dir, "--home", bob.home);
  return {
    alice,
    bob,
    syncOf,
    /** Everyone has the same, byte for byte and record for record, and another sync moves nothing. */
    async expectInStep() {
      expect(await readTree(bob.dir)).toEqual(await readTree(alice.dir));
      for (const person of [alice, bob]) expect(await syncOf(person)).toMatchObject({ records: 0 });
      expect((await server.stop()).code).toBe(0);
      const homes = [receiver, alice, bob].map(({ home }) => home);
      await compareStores(homes, parseAddress(folder));
      for (const home of homes) expect(await problemsOf(home)).toEqual([]);
    },
  };
}

async function problemsOf(home: string): Promise<Problem[]> {
  const { space } = await openHomeStore(home);
  const problems: Problem[] = [];
  for await (const found of verifySpace(space)) if (found.kind === "problem") problems.push(found.problem);
  await space.close();
  return problems;
}

// Processes are slow to start on a busy machine.
describe("two homes and one folder", () => {
  test("edits at different places of a file, new files and removals, are all there on both sides", async () => {
    const { alice, bob, syncOf, expectInStep } = await sharedFolder({
      "a.md": "1\n2\n3\n",
      "b.md": "1",
      "c.md": "1",
    });
    await writeTree(alice.dir, { "a.md": "one\n2\n3\n", "by-alice.md": "new" });
    await writeTree(bob.dir, { "a.md": "1\n2\nthree\n", "sub/by-bob.md": "new" });
    await unlink(join(alice.dir, "b.md"));
    await unlink(join(bob.dir, "c.md"));
    expect(await syncOf(alice)).toMatchObject({ exitCode: 0, files: { up: 3, down: 0 } });
    expect(await syncOf(bob)).toMatchObject({ exitCode: 0, files: { up: 3, down: 3 }, conflicts: [] });
    expect(await syncOf(alice)).toMatchObject({ exitCode: 0, files: { up: 0, down: 3 }, conflicts: [] });
    expect(await readTree(alice.dir)).toEqual({
      "a.md": btoa("one\n2\nthree\n"),
      "by-alice.md": btoa("new"),
      sub: "directory",
      "sub/by-bob.md": btoa("new"),
    });
    await expectInStep();
  });

  test("one line edited by both: both are told the same, exit 3, until one of them settles it", async () => {
    const { alice, bob, syncOf, expectInStep } = await sharedFolder({ "a.md": "1\n" });
    await writeTree(alice.dir, { "a.md": "by alice\n" });
    await writeTree(bob.dir, { "a.md": "by bob\n" });
    expect((await syncOf(alice)).exitCode).toBe(0);
    const atBob = await syncOf(bob);
    const atAlice = await syncOf(alice);
    expect(atBob).toMatchObject({ exitCode: 3, conflicts: [{ kind: "edits", path: "a.md" }] });
    expect(atAlice).toMatchObject({ exitCode: 3, conflicts: atBob.conflicts });
    await writeTree(bob.dir, { "a.md": "by alice and bob\n" });
    for (const person of [bob, alice])
      expect(await syncOf(person)).toMatchObject({ exitCode: 0, conflicts: [] });
    await expectInStep();
  });

  test("both add one path, one removes what the other edits: nothing is lost, and both see the same", async () => {
    const { alice, bob, syncOf, expectInStep } = await sharedFolder({ "old.md": "1\n", "stays.md": "stays" });
    await writeTree(alice.dir, { "new.md": "by alice" });
    await unlink(join(alice.dir, "old.md"));
    await writeTree(bob.dir, { "new.md": "by bob", "old.md": "edited by bob\n" });
    expect((await syncOf(alice)).exitCode).toBe(0);
    const { exitCode, conflicts } = await syncOf(bob);
    expect(exitCode).toBe(3);
    expect(conflicts).toMatchObject([
      { kind: "name", named: "new.md" },
      { kind: "removal", path: "old.md" },
    ]);
    expect(await syncOf(alice)).toMatchObject({ exitCode: 3, conflicts });
    const texts = Object.values(await readTree(alice.dir)).map(atob);
    expect(texts.sort()).toEqual(["by alice", "by bob", "edited by bob\n", "stays"]);
    await expectInStep();
  });

  test("both sync at the same moment, again and again: all edits get through", async () => {
    const { alice, bob, syncOf, expectInStep } = await sharedFolder({ "a.md": "1\n2\n3\n4\n5\n" });
    for (let round = 1; round <= 3; round++) {
      await writeTree(alice.dir, {
        "a.md": textOf(await readTree(alice.dir)).replace(/^.*/, `alice ${round}`),
      });
      await writeTree(bob.dir, {
        "a.md": textOf(await readTree(bob.dir)).replace(/.*\n$/, `bob ${round}\n`),
      });
      await Promise.all([syncOf(alice), syncOf(bob)]);
    }
    for (const person of [alice, bob, alice]) await syncOf(person);
    expect(textOf(await readTree(bob.dir))).toBe("alice 3\n2\n3\n4\nbob 3\n");
    await expectInStep();
  });
});

function textOf(tree: Readonly<Record<string, string>>): string {
  return atob(tree["a.md"] ?? "");
}

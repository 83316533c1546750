import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { sync } from "../../src/cli/commands/sync.js";
import { withReceiver } from "../../src/cli/folder/exchange.js";
import { createTimeline, type Identity, saveRecords, share as shareTimeline } from "../../src/index.js";
import { openHome } from "../../src/node/index.js";
import { run } from "./command.js";
import { readTree, writeTree } from "./directories.js";
import { receiverFor, runHere, shareFolder } from "./receiver.js";

/** A folder with a path that leads out of it, made by software that does not check. */
async function hostileFolder(identity: Identity) {
  const { address } = identity;
  const first = createTimeline({ ib: "folder", owner: address, uuid: "2" });
  const file = createTimeline({
    ib: "file",
    data: { path: "sub/../../../escaped.md", text: "x" },
    owner: address,
    within: first.address,
    uuid: "1",
  });
  await saveRecords(identity, [first, file]);
  return first.address;
}

test("keysaga clone: what cannot be cloned is one line, nothing is left behind", async () => {
  const { dir, people, serve } = await receiverFor("alice", "bob", "eve");
  const [alice, bob, eve] = people;
  const { url } = await serve();
  const eveHome = await openHome({ dir: eve.home });
  const hostile = await hostileFolder(eveHome.identity);
  await shareTimeline(eveHome.identity, { timeline: hostile, with: bob.identity, access: "read" });
  await withReceiver(eveHome.identity, { url }, (exchange) => exchange([hostile], "push"));
  await eveHome.close();
  await writeTree(alice.dir, { "a.md": "1" });
  await writeTree(join(dir, "full"), { "mine.md": "mine" });
  const synced = await runHere(sync, alice.dir, url, "--home", alice.home, "--json");
  const { folder } = JSON.parse(synced.stdout);
  const unknown = "the receiver has no folder of that address that you may read; ask its owner";

  const target = join(dir, "clone");
  const refusals = {
    [`folder^${"0".repeat(64)}`]: unknown,
    [folder]: unknown, // what is not shared is as if it were not there
  };
  for (const [address, sentence] of Object.entries(refusals)) {
    const ended = await run(["clone", url, address, target, "--home", bob.home]);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(new RegExp(`^keysaga: ${sentence} [^\n]+\n$`));
  }
  const into = (address: string, to: string) => runHere(clone, url, address, to, "--home", bob.home);
  await expect(into(bob.identity, target)).rejects.toMatchObject({ rule: "unknown_folder" });
  await expect(into(folder, join(dir, "full"))).rejects.toMatchObject({ rule: "not_empty" });
  await expect(into(folder, join(dir, "full", "mine.md"))).rejects.toMatchObject({ rule: "not_empty" });
  await expect(into("notes", target)).rejects.toThrow("ADDRESS takes a folder");
  // A path that leads out is left out, and a person is told.
  const { exitCode, stderr } = await into(hostile, join(dir, "eves"));
  expect([exitCode, stderr]).toEqual([
    3,
    expect.stringMatching(
      /^skipped file\^\S+: path \(hidden_name\); the folder's owner may leave it out with keysaga set-aside$/m,
    ),
  ]);
  expect(await readTree(join(dir, "eves"))).toEqual({});
  expect(await readdir(dir)).not.toContain("clone");
  expect(await readdir(dir)).not.toContain("escaped.md");
  expect(await readTree(join(dir, "full"))).toEqual({ "mine.md": btoa("mine") });

  await shareFolder(alice, url, bob);
  // The hash alone is enough, and an empty directory is as good as none.
  await writeTree(target, {});
  expect((await into(folder.slice("folder^".length), target)).exitCode).toBe(0);
  expect(await readTree(target)).toEqual(await readTree(alice.dir));
});

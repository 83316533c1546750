/** Somebody who may write a folder, and does so without this command. */
import { access, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { setAside } from "../../src/cli/commands/set-aside.js";
import { sync } from "../../src/cli/commands/sync.js";
import { readFolder } from "../../src/cli/folder/model.js";
import {
  type Address,
  createSender,
  createTimeline,
  type IbGib,
  mutate,
  saveRecords,
} from "../../src/index.js";
import { openHome } from "../../src/node/index.js";
import { readTree, writeTree } from "./directories.js";
import { type Person, receiverFor, runHere, shareFolder } from "./receiver.js";

/** Eve brings the folder, and sends what she makes of its file and within it: `make` gives frames of files. */
async function plant(
  eve: Person,
  url: string,
  folder: Address,
  make: (of: Readonly<Record<"owner" | "within" | "by", Address>>, file: IbGib) => readonly IbGib[],
): Promise<void> {
  const home = await openHome({ dir: eve.home });
  const sender = createSender({ identity: home.identity, url });
  try {
    await sender.sync([folder], { direction: "pull" });
    const { files, owner } = await readFolder(home.space, folder);
    const { tip } = files.find(({ named }) => named === "a.md")!;
    const file = (await home.space.get(tip))!;
    await saveRecords(home.identity, make({ owner: owner!, within: folder, by: eve.identity }, file));
    expect((await sender.sync([folder])).left).toEqual([]);
  } finally {
    await sender.disconnect();
    await home.close();
  }
}

const inJson = async (person: Person, url: string) => {
  const { exitCode, stdout } = await runHere(sync, person.dir, url, "--home", person.home, "--json");
  const { skipped, files } = JSON.parse(stdout);
  return { exitCode, files, reasons: skipped.map(({ reason }: { reason: string }) => reason).sort() };
};

test("whatever a co-writer puts into a folder, everybody else goes on with the rest", async () => {
  const { people, serve } = await receiverFor("alice", "eve", "dora");
  const [alice, eve, dora] = people;
  const { url } = await serve();
  await writeTree(alice.dir, { "a.md": "one\n" });
  const { stdout } = await runHere(sync, alice.dir, url, "--home", alice.home, "--json");
  const { folder } = JSON.parse(stdout);
  for (const other of [eve, dora]) await shareFolder(alice, url, other);
  const outside = join(dirname(alice.dir), "x");

  await plant(eve, url, folder, (of) => [
    createTimeline({ ib: "junk", data: { x: 1 }, ...of, uuid: "junk" }),
    createTimeline({ ib: "file\u001b[31mEVIL\u202e", data: { path: "y", text: "x" }, ...of, uuid: "esc" }),
    createTimeline({ ib: "file", data: { path: "../x", text: "x" }, ...of, uuid: "path" }),
    createTimeline({ ib: "file", data: { path: "fine.md", text: "by eve\n" }, ...of, uuid: "fine" }),
  ]);
  const unfit = ["no file", "no file", "path (hidden_name)"];
  expect(await inJson(alice, url)).toEqual({
    exitCode: 3,
    files: { up: 0, down: 1, unchanged: 1 },
    reasons: unfit,
  });
  await runHere(clone, url, folder, dora.dir, "--home", dora.home);
  await writeTree(alice.dir, { "b.md": "by alice\n" });
  expect(await inJson(alice, url)).toMatchObject({ files: { up: 1 } });
  expect(await inJson(dora, url)).toMatchObject({ files: { down: 1 } });
  expect(await readTree(dora.dir)).toEqual(await readTree(alice.dir));

  // What was a file is none any more: it stays as it lies, until somebody who may removes it.
  await plant(eve, url, folder, ({ by }, file) => [mutate(file, { path: "../x" }, { by })]);
  expect((await inJson(alice, url)).reasons).toHaveLength(4);
  expect(await readFile(join(alice.dir, "a.md"), "utf8")).toBe("one\n");
  await rm(join(alice.dir, "a.md"));
  expect((await inJson(alice, url)).reasons).toHaveLength(3);
  expect((await inJson(dora, url)).reasons).toHaveLength(3);
  expect(Object.keys(await readTree(dora.dir))).toEqual(["b.md", "fine.md"]);
  await expect(access(outside)).rejects.toMatchObject({ code: "ENOENT" });
});

test("what the owner has set aside is named to its maker, whose other changes are taken", async () => {
  const { people, serve } = await receiverFor("alice", "eve");
  const [alice, eve] = people;
  const { url } = await serve();
  await writeTree(alice.dir, { "a.md": "one\n" });
  const { stdout } = await runHere(sync, alice.dir, url, "--home", alice.home, "--json");
  const { folder } = JSON.parse(stdout);
  await shareFolder(alice, url, eve);
  const junk: Address[] = [];
  await plant(eve, url, folder, (of) => {
    const made = createTimeline({ ib: "junk", data: { x: 1 }, ...of, uuid: "junk" });
    junk.push(made.address);
    return [made];
  });
  const told = await runHere(sync, alice.dir, url, "--home", alice.home);
  expect(told.stderr).toContain(`skipped ${junk[0]}: no file; the folder's owner may leave it out`);
  await runHere(setAside, alice.dir, junk[0]!, "--home", alice.home);
  expect(await inJson(alice, url)).toMatchObject({ exitCode: 0, reasons: [] });
  await runHere(clone, url, folder, eve.dir, "--home", eve.home);
  await writeTree(eve.dir, { "eve.md": "fine\n" });
  const { exitCode, stderr } = await runHere(sync, eve.dir, url, "--home", eve.home);
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining("set aside by the folder's owner")]);
  expect(await inJson(alice, url)).toMatchObject({ exitCode: 0, files: { down: 1 } });
});

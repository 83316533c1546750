/** Another process of the same home comes first: what was not recorded is not taken for recorded. */
import { expect, test } from "vitest";
import { saveMapping } from "../../src/cli/folder/bring-down.js";
import { mappingOf } from "../../src/cli/folder/directory.js";
import { type CommitResult, InnerSpace, mutate, saveRecords } from "../../src/index.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { filesIn, inStep, makeIdentity } from "./folders.js";
import { syncFolder } from "../../src/cli/folder/sync.js";

/** A space in which somebody else does something between what a commit was made from and the commit. */
class RacedSpace extends InnerSpace {
  before: (() => Promise<void>) | undefined;

  override async commit(...args: Parameters<InnerSpace["commit"]>): Promise<CommitResult> {
    const before = this.before;
    this.before = undefined;
    await before?.();
    return super.commit(...args);
  }
}

async function synced() {
  const space = new RacedSpace();
  const identity = await makeIdentity(space);
  const dir = await temporaryDirectory();
  await writeTree(dir, { "a.md": "1\n2\n3\n" });
  const { folder } = await syncFolder(identity, dir, inStep);
  const textNow = async () => (await filesIn(space, folder))[0]?.text;
  return { space, identity, dir, folder, textNow };
}

test("an edit that met another one in the home is refused as a whole, and recorded by the next sync", async () => {
  const { space, identity, dir, folder, textNow } = await synced();
  await writeTree(dir, { "a.md": "1\n2\nthree\n" });
  space.before = async () => {
    const [file] = await filesIn(space, folder);
    await saveRecords(identity, [mutate(file!.tip, { text: "one\n2\n3\n" })]);
  };
  await expect(syncFolder(identity, dir, inStep)).rejects.toMatchObject({ rule: "moved" });
  expect(await textNow()).toBe("one\n2\n3\n");
  expect(await syncFolder(identity, dir, inStep)).toMatchObject({ up: [{ path: "a.md", change: "edited" }] });
  expect(await textNow()).toBe("one\n2\nthree\n");
});

test("a mapping that another process has changed is not overwritten", async () => {
  const { space, identity, dir } = await synced();
  const cell = await mappingOf(space, dir);
  await saveMapping(identity, cell, { ...cell.mapping, receiver: "wss://first.example" });
  const late = saveMapping(identity, cell, { ...cell.mapping, receiver: "wss://second.example" });
  await expect(late).rejects.toMatchObject({ rule: "moved" });
  expect((await mappingOf(space, dir)).mapping.receiver).toBe("wss://first.example");
});

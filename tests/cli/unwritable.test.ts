import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { inStep, makeIdentity } from "./folders.js";

const denied = vi.hoisted(() => ({ by: undefined as string | undefined }));

/** As a directory refuses that is read-only: for root, who runs some tests, there is none. */
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const writeFile: typeof real.writeFile = async (...given) => {
    if (denied.by && String(given[0]).includes("/read-only/"))
      throw Object.assign(new Error("refused"), { code: denied.by });
    return real.writeFile(...given);
  };
  return { ...real, writeFile };
});

test.each(["EACCES", "EPERM", "EROFS"])(
  "a directory that cannot be marked (%s) is refused in a sentence, before anything is recorded",
  async (code) => {
    denied.by = undefined;
    const dir = await temporaryDirectory();
    const [there, here] = [join(dir, "there"), join(dir, "read-only")];
    await writeTree(there, { "a.md": "1" });
    await writeTree(here, { "a.md": "1" });
    const identity = await makeIdentity();
    const { folder } = await syncFolder(identity, there, inStep);
    const before = await identity.space.cells("folder");
    denied.by = code;
    await expect(syncFolder(identity, here, inStep)).rejects.toMatchObject({ rule: "unwritable" });
    const clone = cloneFolder(identity, folder, join(here, "clone"), inStep);
    await expect(clone).rejects.toMatchObject({ rule: "unwritable" });
    expect(await identity.space.cells("folder")).toEqual(before);
    expect(await readTree(here)).toEqual({ "a.md": btoa("1"), clone: "directory" });
  },
);

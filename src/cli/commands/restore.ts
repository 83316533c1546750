import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, note, print } from "../context.js";
import { revisionDigits } from "../folder/log.js";
import { printable } from "../folder/errors.js";
import { restoreFile } from "../folder/restore.js";

export const restore = defineCommand({
  name: "restore",
  summary: "Bring a file back to an earlier revision.",
  about: `Writes FILE as it was in the revision REV, which keysaga log FILE prints; the first 4 digits will do where they
are those of one revision. A file that was removed is named by the path that it had, and comes back there with its
history. Nothing is undone for others by this alone: the next sync records it as a new revision, like any edit.

Where FILE has changes that no sync has recorded, nothing is written: sync first, or move it away. Needs no passphrase.`,
  operands: ["FILE", "REV"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga restore ./notes/plan.md 3F9C2A11"],
  async run(context, values, [file, revision]) {
    const { address, space } = await openHomeStore(homeDir(context, values.home));
    try {
      const restored = await restoreFile({ address, space }, file, revision);
      const { path, isChanged } = restored;
      const digits = revisionDigits(restored.revision);
      if (values.json) print(context, JSON.stringify(restored));
      else if (isChanged) print(context, `restored ${printable(path)} as of ${digits}`);
      else print(context, `${printable(path)} is as of ${digits} already`);
      if (isChanged && !values.json) note(context, "sync the folder, so that others have it");
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

import { KeysagaError, ownerOf, whoMay } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";
import { folderNamed, entryLine } from "../folder/name.js";

export const who = defineCommand({
  name: "who",
  summary: "Tell who may read and write a folder.",
  about: `Prints the owner of the folder that FOLDER names (a directory that was synced, or the folder's address), and
whom the owner has let in. The owner's home knows all of it, any other who may write. With --json, what was
withdrawn or has expired is listed as well. Needs no passphrase.`,
  operands: ["FOLDER"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga who ./notes", "keysaga who 'folder^9F2C…' --json"],
  async run(context, values, [name]) {
    const { space } = await openHomeStore(homeDir(context, values.home));
    try {
      const folder = await folderNamed(space, name);
      const first = await space.get(folder);
      if (!first) throw new KeysagaError("not_found");
      const owner = ownerOf(first);
      const entries = await whoMay({ space }, folder);
      if (values.json) print(context, JSON.stringify({ folder, owner: owner ?? null, entries }));
      else {
        if (owner) print(context, `${owner} owns it`);
        for (const entry of entries.filter(({ state }) => state === "in_force"))
          print(context, entryLine(entry, "it"));
      }
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

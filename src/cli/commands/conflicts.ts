import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";
import { conflictTextOf } from "../folder/conflict-text.js";
import { inFull } from "../folder/conflict-values.js";
import { conflictsIn } from "../folder/sync.js";

export const conflicts = defineCommand({
  name: "conflicts",
  summary: "Show what was edited on both sides of a folder.",
  about: `Where two people edited the same place of a file, keysaga sync keeps both and shows one of them in FOLDER.
This prints all of what each has written, and in which frame. Edit the file as you want it and sync: that settles it.
Needs no passphrase. The exit status is 3 where there are conflicts.`,
  operands: ["FOLDER"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga conflicts ./notes"],
  async run(context, values, [folder]) {
    const { space } = await openHomeStore(homeDir(context, values.home));
    try {
      const found = await Promise.all((await conflictsIn(space, folder)).map((one) => inFull(space, one)));
      if (values.json) print(context, JSON.stringify({ conflicts: found }));
      else for (const conflict of found) print(context, conflictTextOf(conflict));
      return found.length > 0 ? exitCodes.attention : exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print, printExactly } from "../context.js";
import { diffOf } from "../folder/diff.js";

export const diff = defineCommand({
  name: "diff",
  summary: "Show what was changed in a folder since it was in step, line by line.",
  about: `Prints what was changed in FILE, or in all files of a synced directory or of one in it (by default the one you
are in), since it was last in step, as a unified diff that git apply takes. That is what the next sync records; what
others have changed shows with the sync. Needs no passphrase.`,
  operands: ["FILE?"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga diff", "keysaga diff ./notes/plan.md"],
  async run(context, values, [file = "."]) {
    const { address, space } = await openHomeStore(homeDir(context, values.home));
    try {
      const found = await diffOf({ address, space }, file);
      if (values.json) print(context, JSON.stringify({ changes: found }));
      else for (const { diff: text } of found) printExactly(context, text.slice(0, -1));
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

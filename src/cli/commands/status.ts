import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";
import { statusOf } from "../folder/status.js";
import { isForAPerson, rememberedLines, statusLines } from "../folder/status-text.js";

export const status = defineCommand({
  name: "status",
  summary: "Show what the next sync of a folder would record.",
  about: `Prints what was added, edited, renamed and removed in FOLDER since it was last in step, what is recorded and
was not sent yet, and what is left out and why. FOLDER is a synced directory or one in it, by default the one you are
in. Nothing is written, and no receiver is asked: what others have changed shows with the next sync. Needs no
passphrase. The exit status is 3 where something is left for a person to look at.`,
  operands: ["FOLDER?"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga status", "keysaga status ./notes --json"],
  async run(context, values, [folder = "."]) {
    const { address, space } = await openHomeStore(homeDir(context, values.home));
    try {
      const found = await statusOf({ address, space }, folder);
      if (values.json) print(context, JSON.stringify(found));
      else for (const line of [...rememberedLines(found), ...statusLines(found)]) print(context, line);
      return isForAPerson(found) ? exitCodes.attention : exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

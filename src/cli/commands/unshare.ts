import { unshare as unshareTimeline } from "../../index.js";
import { parseIdentity } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { note, print } from "../context.js";
import { folderNamed } from "../folder/name.js";
import { withHome } from "../open-home.js";

export const unshare = defineCommand({
  name: "unshare",
  summary: "Take back what was shared with someone.",
  about: `Takes back all that lets IDENTITY into the folder that FOLDER names: a directory that was synced, or the
folder's address. A receiver refuses IDENTITY once you have synced the folder with it.

What IDENTITY has changed counts as far as this home has it, and nothing after that: sync before, so that nothing is
left out. Where the next sync finds more at the receiver, it names that, and keysaga adopt takes it over. What IDENTITY
has read already stays read.`,
  operands: ["FOLDER", "IDENTITY"],
  options: {
    home: commonOptions.home,
    json: commonOptions.json,
  },
  examples: ["keysaga unshare ./notes 6E5BAC46…"],
  async run(context, values, [folder, who]) {
    const from = parseIdentity(who, "IDENTITY");
    await withHome(context, values.home, async (home) => {
      const timeline = await folderNamed(home.space, folder);
      const { stays } = await unshareTimeline(home.identity, { timeline, from });
      if (values.json) return print(context, JSON.stringify({ timeline, from, stays }));
      print(context, `${from} may no longer read or write ${timeline}`);
      note(context, "sync the folder, so that its receiver knows");
    });
    return exitCodes.ok;
  },
});

import { adopt as adoptFrame, leftOut } from "../../index.js";
import { parseFrame } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { note, print } from "../context.js";
import { writing } from "../folder/join-tips.js";
import { folderNamed } from "../folder/name.js";
import { withHome } from "../open-home.js";

export const adopt = defineCommand({
  name: "adopt",
  summary: "Take over what was left out of a folder of yours.",
  about: `Takes FRAME over into the folder that FOLDER names (a directory that was synced, or the folder's address): a
change by somebody who may not write the folder any more, or that was set aside. It counts from then on, with all that
it goes on from. FRAME is an address as keysaga sync prints it, or the word all. Others learn of it once you have synced
the folder.`,
  operands: ["FOLDER", "FRAME"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga adopt ./notes 'file^9F2C….A01B…'", "keysaga adopt ./notes all"],
  async run(context, values, [folder, named]) {
    await withHome(context, values.home, async ({ identity, space }) => {
      const timeline = await folderNamed(space, folder);
      const all = named === "all" ? await leftOut(identity, timeline) : undefined;
      const frames = all?.map(({ frame }) => frame) ?? [parseFrame(named)];
      for (const frame of frames) await adoptFrame(identity, { timeline, frame }, writing);
      if (values.json) return print(context, JSON.stringify({ timeline, adopted: frames }));
      for (const frame of frames) print(context, `${frame} counts`);
      note(context, "sync the folder, so that its receiver knows");
    });
    return exitCodes.ok;
  },
});

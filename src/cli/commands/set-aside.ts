import { setAside as setFrameAside } from "../../index.js";
import { parseFrame } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { note, print } from "../context.js";
import { writing } from "../folder/join-tips.js";
import { folderNamed } from "../folder/name.js";
import { withHome } from "../open-home.js";

export const setAside = defineCommand({
  name: "set-aside",
  summary: "Leave somebody's change out of a folder of yours.",
  about: `Sets FRAME aside, a newest change by somebody else in the folder that FOLDER names (a directory that was
synced, or the folder's address), as keysaga sync or keysaga show prints its address. It counts no more, for everybody
who reads the folder, and stays stored; keysaga adopt brings it back. What its maker puts on top of it brings it back as
well, as long as they may write: see keysaga unshare. Others learn of it once you have synced the folder.`,
  operands: ["FOLDER", "FRAME"],
  options: {
    home: commonOptions.home,
    why: { type: "string", value: "TEXT", about: "What the others are told: at most 500 characters." },
    json: commonOptions.json,
  },
  examples: ["keysaga set-aside ./notes 'file^9F2C….A01B…' --why 'a paste by mistake'"],
  async run(context, values, [folder, named]) {
    await withHome(context, values.home, async ({ identity, space }) => {
      const timeline = await folderNamed(space, folder);
      const frame = parseFrame(named);
      await setFrameAside(identity, { timeline, frame, why: values.why ?? "" }, writing);
      if (values.json) return print(context, JSON.stringify({ timeline, aside: frame }));
      print(context, `${frame} is set aside`);
      note(context, "sync the folder, so that its receiver knows");
    });
    return exitCodes.ok;
  },
});

import { type Access, share as shareTimeline } from "../../index.js";
import { parseIdentity } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes, UsageError } from "../command.js";
import { note, print } from "../context.js";
import { writing } from "../folder/join-tips.js";
import { folderNamed, entryLine } from "../folder/name.js";
import { withHome } from "../open-home.js";
import { parseWhen } from "../when.js";

export const share = defineCommand({
  name: "share",
  summary: "Let someone else read and write a folder of yours.",
  about: `Lets IDENTITY (as keysaga id prints it) into the folder that FOLDER names: a directory that was synced, or the
folder's address. That covers all files of the folder, those of today and those to come. A receiver honours it once you
have synced the folder with it, and judges by its own clock whether the time is over. Who may write is shown to all who
may read. Sharing again adds to what is shared; to narrow it, unshare first. What IDENTITY has made meanwhile, and was
left out, is back with it: it is listed, and keysaga set-aside leaves it out again.`,
  operands: ["FOLDER", "IDENTITY"],
  options: {
    home: commonOptions.home,
    read: { type: "boolean", about: "To read only: what they change stays with them." },
    expires: {
      type: "string",
      value: "WHEN",
      about: "30m, 12h, 7d or 4w from now; the last day, as 2030-01-31; or 2030-01-31T12:00Z.",
    },
    json: commonOptions.json,
  },
  examples: [
    "keysaga share ./notes 6E5BAC46… --read --expires 7d",
    "keysaga share 'folder^9F2C…' 'keystone.identity^6E5B…'",
  ],
  async run(context, values, [folder, who]) {
    const identity = parseIdentity(who, "IDENTITY");
    const access: Access = values.read ? "read" : "write";
    const expires =
      values.expires === undefined ? undefined : parseWhen(values.expires, "--expires", Date.now());
    await withHome(context, values.home, async (home) => {
      if (identity === home.identity.address) throw new UsageError("IDENTITY is that of this home itself");
      const timeline = await folderNamed(home.space, folder);
      const given = { timeline, with: identity, access, ...(expires !== undefined && { expires }) };
      const { back } = await shareTimeline(home.identity, given, writing);
      if (values.json) return print(context, JSON.stringify({ ...given, back }));
      print(context, entryLine(given, timeline));
      for (const { frame, by } of back) print(context, `${frame} is back (made by ${by})`);
      note(context, "sync the folder, so that its receiver knows");
    });
    return exitCodes.ok;
  },
});

import { commonOptions, defineCommand, type ExitCode, exitCodes, UsageError } from "../command.js";
import { isInviteText } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { type Context, homeDir, print } from "../context.js";
import { syncedRoot } from "../folder/directory.js";
import { receiverOptions, runExchange } from "../folder/command.js";
import { previewSync } from "../folder/status.js";
import { isForAPerson, statusLines } from "../folder/status-text.js";
import { syncFolder } from "../folder/sync.js";

export const sync = defineCommand({
  name: "sync",
  summary: "Bring the files of a folder and a receiver in step.",
  about: `Sends what was changed in FOLDER to the receiver at URL, and writes what was changed there to FOLDER.
Each file is a timeline with all its versions; the first sync makes the folder's own timeline. Its address, which
is printed, is what others clone, once you have shared it with them: see keysaga share. A renamed file goes on as the
same file, and so does one that comes back after it was removed. The first time, an invite may stand in place of the
URL, see keysaga invite; as - it is read from standard input, where no other user of this machine sees it.

Once in step, the home remembers the URL for the directory: keysaga sync FOLDER goes on with it, and so does keysaga
sync in FOLDER or below. Another URL that is given is used, and remembered in its place.

Text is merged where two people have edited it. What is no UTF-8 text, or a long one, goes in chunks, of which a change
sends those that are new; of two edits of such a file one is shown. Empty directories are carried.

Left alone: names that begin with a dot, symbolic links, and what is neither file nor directory. So are homes of
keysaga in FOLDER, files that hold the secret of an identity, and directories that are synced by themselves. So is what
.gitignore and .keysagaignore files in FOLDER and below name, by git's rules, which is told in one line. A file that is
synced already stays synced, also where it is named; the ignore files themselves are not synced.

A file that cannot be read or written stays as it is, and is named with what to do, with exit status 3; everything else
is done.

The first sync marks FOLDER with the file .keysaga-folder, which is never sent. By it a directory that was moved or
renamed goes on as the same folder; a copy of one, a part of one, and one of another identity are refused. Where more
than a third of the files, and more than two, or all are gone, here or at the receiver, a person at a terminal is
asked, and a script is refused, until --remove-missing says that it is meant.

Where the folder is shared with you to read only, what you change stays in FOLDER and is not sent, which is said, with
exit status 1; what others change comes down all the same.

Where the home was put back from a backup, that is said in a line, what was written since comes down first, and nothing
that was changed in FOLDER is lost. Where the home has met several receivers, it has to reach each of them once; see
--unconfirmed.

What somebody has changed who may not write the folder any more is left out and named, with exit status 3: its owner may
take it over with keysaga adopt. What somebody has put into the folder that is no file, or has a path that must not
be written, is skipped and named, with exit status 3; everything else is in step. So is what the receiver, or a folder,
has no room for.

What both sides have edited is merged. All is in step then, but some of it is for a person to look at, and is listed;
the exit status is 3 as long as there is any:
  the same place of a file edited twice: both values are kept, one is shown (keysaga conflicts prints both), and the
    next edit of the file settles it
  a file renamed on both sides: it has one of the names, until it is renamed or edited
  two files with one path: one of them lies beside the other, as 'a (3F9C2A).txt', until it is renamed
  a file removed on one side and edited or renamed on the other: it is kept, until it is removed or edited`,
  operands: ["FOLDER?", "URL?"],
  options: {
    home: commonOptions.home,
    ...receiverOptions,
    "remove-missing": {
      type: "boolean",
      about: "Yes, also where many files are gone: remove them, here or for everybody.",
    },
    "dry-run": {
      type: "boolean",
      about: "Print what would be recorded; record, write and send nothing. Asks no receiver.",
    },
    json: commonOptions.json,
  },
  examples: [
    "keysaga sync ./notes wss://sync.example.org",
    "keysaga sync ./notes --json",
    "keysaga sync ./notes --dry-run",
  ],
  async run(context, values, [folder, url]) {
    if (folder !== undefined && isReceiver(folder))
      throw new UsageError("FOLDER is missing before the URL: say keysaga sync . URL for the one you are in");
    const dir = folder ?? (await syncedRoot("."));
    if (values["dry-run"]) return dryRun(context, values, dir);
    return runExchange(context, values, { dir, url }, (identity, exchange, { ask, onProgress }) =>
      syncFolder(identity, dir, exchange, ask, onProgress),
    );
  },
});

/** A first sync of what somebody did not name would send what was never meant to be sent. */
function isReceiver(text: string): boolean {
  return text === "-" || /^wss?:/.test(text) || isInviteText(text);
}

async function dryRun(
  context: Context,
  { home, json }: { readonly home: string | undefined; readonly json: boolean | undefined },
  folder: string,
): Promise<ExitCode> {
  const { address, space } = await openHomeStore(homeDir(context, home));
  try {
    const found = await previewSync({ address, space }, folder);
    const first = found.folder === undefined ? "; the first sync makes a folder of this directory" : "";
    if (json) print(context, JSON.stringify({ dryRun: true, ...found }));
    else {
      for (const line of statusLines(found)) print(context, line);
      print(context, `dry run: nothing was recorded, written or sent${first}`);
    }
    return isForAPerson(found) ? exitCodes.attention : exitCodes.ok;
  } finally {
    await space.close();
  }
}

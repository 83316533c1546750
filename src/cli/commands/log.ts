import { type Address, gibOf } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, note, print } from "../context.js";
import { type LogEntry, logOf, revisionDigits } from "../folder/log.js";
import { changeWords } from "../folder/status-text.js";

export const log = defineCommand({
  name: "log",
  summary: "Show who has changed what in a folder, or in one file.",
  about: `Prints the revisions of FILE, or of all files of a synced directory or of one in it (by default the one you are
in), the newest first: the revision, which keysaga restore takes; by when a receiver had it; who has made it; and what
it did. A file is followed through its renames, and one that was removed is found by the path that it had.

Changes have no time of their own, since nobody could check it. The time is that of the first receipt in this home that
covers the change, by the receiver's clock: the change was made before. Where none does, it is a dash. Merges are the
same whoever makes them, so they name nobody. Needs no passphrase.`,
  operands: ["FILE?"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga log", "keysaga log ./notes/plan.md", "keysaga log ./notes --json"],
  async run(context, values, [file = "."]) {
    const { address, space } = await openHomeStore(homeDir(context, values.home));
    try {
      const found = await logOf(space, file);
      if (values.json) print(context, JSON.stringify(found));
      else for (const entry of found.entries) print(context, lineOf(entry, address));
      if (found.isCut)
        note(context, "older revisions are not shown; keysaga log FILE shows more of one file");
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

function lineOf(entry: LogEntry, self: Address): string {
  const { revision, arrived, by, change, path, was } = entry;
  const when = arrived === undefined ? "-" : `${new Date(arrived).toISOString().slice(0, 16)}Z`;
  const who = by === undefined ? "-" : by === self ? "you" : gibOf(by).slice(0, 8);
  return `${revisionDigits(revision)}  ${when.padEnd(17)}  ${who.padEnd(8)}  ${changeWords({ path, change, was })}`;
}

import { defineCommand, exitCodes } from "../command.js";
import { print } from "../context.js";
import { ownDocs, playDemo } from "../folder/demo.js";
import { listenForStop } from "../stop-signal.js";

export const demo = defineCommand({
  name: "demo",
  summary: "See it work: a receiver, two people, one folder.",
  about: `Copies the text files of FOLDER (default: this package's documents) to a temporary directory, and there plays
a receiver and two people: one syncs them and shares them with the other, and both edit. Each works in processes of
its own, over real sockets, every turn signed. Prints what is said turn by turn, verifies all three stores, compares
the files, and leaves nothing behind.`,
  operands: ["FOLDER?"],
  options: {},
  examples: ["keysaga demo", "keysaga demo ./notes"],
  async run(context, _values, [folder = ownDocs]) {
    const stop = listenForStop();
    try {
      await playDemo(folder, { say: (line) => print(context, line), signal: stop.signal });
      return exitCodes.ok;
    } finally {
      stop.release();
    }
  },
});

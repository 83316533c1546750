import { commonOptions, defineCommand } from "../command.js";
import { parseFolderAddress, receiverOptions, runExchange } from "../folder/command.js";
import { cloneFolder } from "../folder/clone.js";

export const clone = defineCommand({
  name: "clone",
  summary: "Bring a folder from a receiver into a new directory.",
  about: `Brings the folder that ADDRESS names (as keysaga sync prints it) from the receiver at URL into FOLDER, which
must be empty or not there yet, and lie in no home and in no synced directory. Its owner has to share it with this
home first, see keysaga share. From then on, keysaga sync keeps the two in step. An invite may stand in place of the
URL, see keysaga invite; as - it is read from standard input, where no other user of this machine sees it.`,
  operands: ["URL", "ADDRESS", "FOLDER"],
  options: { home: commonOptions.home, ...receiverOptions, json: commonOptions.json },
  examples: ["keysaga clone wss://sync.example.org 'folder^9F2C…' ./notes"],
  run(context, values, [url, address, folder]) {
    const root = parseFolderAddress(address);
    return runExchange(context, values, { dir: folder, url }, (identity, exchange, { onProgress }) =>
      cloneFolder(identity, root, folder, exchange, onProgress),
    );
  },
});

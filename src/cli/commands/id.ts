import { homeAddress } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";

export const id = defineCommand({
  name: "id",
  summary: "Print the identity's address.",
  about: "Prints the address of this home's identity: what receivers are told to admit, and senders to pin.",
  operands: [],
  options: { home: commonOptions.home },
  examples: ["keysaga id", "keysaga id --home ./receiver"],
  async run(context, values) {
    print(context, await homeAddress(homeDir(context, values.home)));
    return exitCodes.ok;
  },
});

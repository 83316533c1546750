import { admitIdentity } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { parseIdentity } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";

export const admit = defineCommand({
  name: "admit",
  summary: "Admit an identity at this home's receiver.",
  about: `Admits IDENTITY (as keysaga id prints it) to the receiver that is served from this home, whatever that was started
with. It counts from the next connection on; the receiver may run meanwhile. Needs no passphrase.`,
  operands: ["IDENTITY"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga admit 6E5BAC46…"],
  async run(context, values, [who]) {
    const identity = parseIdentity(who, "IDENTITY");
    const home = await openHomeStore(homeDir(context, values.home));
    try {
      await admitIdentity(home, identity);
      print(context, values.json ? JSON.stringify({ identity }) : `${identity} is admitted`);
      return exitCodes.ok;
    } finally {
      await home.space.close();
    }
  },
});

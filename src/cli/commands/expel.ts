import { expelIdentity } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { parseIdentity } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { homeDir, print } from "../context.js";

export const expel = defineCommand({
  name: "expel",
  summary: "Turn an identity out at this home's receiver.",
  about: `Turns IDENTITY (as keysaga id prints it) out of the receiver that is served from this home, whatever that was started
with and whatever invite it shows, until keysaga admit. It counts from the next turn on, also for connections that are
open; the receiver may run meanwhile. What IDENTITY has synced before stays. Needs no passphrase.`,
  operands: ["IDENTITY"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga expel 6E5BAC46…"],
  async run(context, values, [who]) {
    const identity = parseIdentity(who, "IDENTITY");
    const home = await openHomeStore(homeDir(context, values.home));
    try {
      await expelIdentity(home, identity);
      print(context, values.json ? JSON.stringify({ identity }) : `${identity} is turned out`);
      return exitCodes.ok;
    } finally {
      await home.space.close();
    }
  },
});

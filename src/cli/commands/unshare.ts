import { type Identity, unshare as unshareTimeline, type Unshare, type Unshared } from "../../index.js";
import { parseIdentity } from "../addresses.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { type Context, note, print } from "../context.js";
import { receiverOptions } from "../folder/command.js";
import { type Exchange, withReceiver } from "../folder/exchange.js";
import { writing } from "../folder/join-tips.js";
import { folderNamed } from "../folder/name.js";
import { withHome } from "../open-home.js";

const { pin, insecure, unconfirmed } = receiverOptions;

export const unshare = defineCommand({
  name: "unshare",
  summary: "Take back what was shared with someone.",
  about: `Takes back all that lets IDENTITY into the folder that FOLDER names: a directory that was synced, or the
folder's address. With the URL of a receiver, what that has is fetched first, and it is told at once; without, it
refuses IDENTITY once you have synced the folder with it.

What IDENTITY has changed counts as far as this home has it, and nothing after that. What this home has of IDENTITY and
does not count is listed, with exit status 3, and keysaga adopt takes it over; what others bring later is named by the
sync that it comes with. What IDENTITY has read already stays read.`,
  operands: ["FOLDER", "IDENTITY", "URL?"],
  options: { home: commonOptions.home, pin, insecure, unconfirmed, json: commonOptions.json },
  examples: ["keysaga unshare ./notes 6E5BAC46… wss://sync.example.org", "keysaga unshare ./notes 6E5BAC46…"],
  async run(context, values, [folder, who, url]) {
    const from = parseIdentity(who, "IDENTITY");
    const pinned = values.pin === undefined ? undefined : parseIdentity(values.pin, "--pin");
    const { stays, leaves, timeline } = await withHome(
      context,
      values.home,
      async ({ identity, space }) => {
        const taken = { timeline: await folderNamed(space, folder), from };
        if (url === undefined) return unshareTimeline(identity, taken);
        const receiver = { url, pin: pinned, insecure: values.insecure };
        return withReceiver(identity, receiver, (exchange) => unshareBy(context, identity, taken, exchange));
      },
      values,
    );
    if (values.json) print(context, JSON.stringify({ timeline, from, stays, leaves }));
    else print(context, `${from} may no longer read or write ${timeline}`);
    for (const { frame } of leaves) note(context, `left out ${frame}: keysaga adopt takes it over`);
    if (url === undefined && !values.json) note(context, "sync the folder, so that its receiver knows");
    return leaves.length > 0 ? exitCodes.attention : exitCodes.ok;
  },
});

/** Fetches what the receiver has, and tells it. Where that fails, it is said what is done all the same. */
export async function unshareBy(
  context: Context,
  identity: Identity,
  taken: Unshare,
  exchange: Exchange,
): Promise<Unshared> {
  const at = { sync: () => exchange([taken.timeline], "pull") };
  const unshared = await unshareTimeline(identity, { ...taken, at }, writing);
  try {
    await exchange([taken.timeline], "push");
  } catch (thrown) {
    note(context, "it is taken back in this home, and the receiver has not heard of it: sync the folder");
    throw thrown;
  }
  return unshared;
}

import { createInvite } from "../../index.js";
import { commonOptions, defineCommand, exitCodes, UsageError } from "../command.js";
import { type Context, note, print } from "../context.js";
import { withHome } from "../open-home.js";
import { readServing, type Serving } from "../serving.js";
import { parseWhen } from "../when.js";

const defaultExpiry = "1d";

export const invite = defineCommand({
  name: "invite",
  summary: "Let somebody in at this home's receiver, once.",
  about: `Prints an invite to the receiver that is served from this home with --admit invite. Whoever shows it first is
admitted for good: keysaga sync and keysaga clone take it in place of the URL. It names the receiver's identity, so
that nobody else can answer in its place. It works for one identity, until it expires; send it by a way that nobody
else reads. The receiver may run meanwhile, and needs no restart. Whom you want out again, keysaga expel turns out.`,
  operands: [],
  options: {
    home: commonOptions.home,
    url: {
      type: "string",
      value: "URL",
      about: "Where the receiver is reached (default: as it was last served from this home).",
    },
    expires: {
      type: "string",
      value: "WHEN",
      about: `30m, 12h, 7d or 4w from now; the last day; or 2030-01-31T12:00Z (default: ${defaultExpiry}).`,
    },
    json: commonOptions.json,
  },
  examples: ["keysaga invite", "keysaga invite --url wss://sync.example --expires 7d"],
  async run(context, values) {
    const now = Date.now();
    const expiresInMs = parseWhen(values.expires ?? defaultExpiry, "--expires", now) - now;
    const given = values.url === undefined ? undefined : parseUrl(values.url);
    await withHome(context, values.home, async ({ identity }) => {
      const served = await readServing(identity.space);
      const url = given ?? served?.audiences[0];
      if (url === undefined)
        throw new UsageError("no receiver was served from this home yet: say where it will be with --url");
      const { text, id, expires } = await createInvite(identity, { url, expiresInMs });
      if (values.json)
        return print(context, JSON.stringify({ invite: text, id, url, receiver: identity.address, expires }));
      print(context, text);
      note(context, `lets one identity in at ${url}, until ${new Date(expires).toISOString()}`);
      if (served) warn(context, url, served);
    });
    return exitCodes.ok;
  },
});

function parseUrl(text: string): string {
  if (/^wss?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new UsageError(`--url takes what senders dial, as wss://sync.example, not '${text}'`);
}

/** Of what would make the invite good for nothing at the receiver as it was last served. */
function warn(context: Context, url: string, { audiences, admits }: Serving): void {
  if (!audiences.includes(new URL(url).origin))
    note(context, `the receiver was last served for ${audiences.join(", ")}: there, this URL is refused`);
  if (admits !== "invite")
    note(context, "the receiver was last served without --admit invite: it takes no invites");
}

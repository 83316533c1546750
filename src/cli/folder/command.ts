import {
  type Address,
  gibOf,
  type Identity,
  isAddress,
  isInviteText,
  type PeerEvent,
  readInvite,
} from "../../index.js";
import { parseIdentity } from "../addresses.js";
import { removalSource } from "../ask-removal.js";
import { commonOptions, type ExitCode, exitCodes, type Option, UsageError } from "../command.js";
import { type Context, note, print } from "../context.js";
import { withHome } from "../open-home.js";
import { ExchangeProgress, folderProgressText, ProgressLine } from "../progress.js";
import { listenForStop } from "../stop-signal.js";
import type { FolderReport } from "./bring-down.js";
import type { Exchange } from "./exchange.js";
import { withReceiver } from "./exchange.js";
import { folderIb } from "./kinds.js";
import { rememberedReceiver, remembering } from "./remembered.js";
import { type Terminal, refuseRemoval } from "./removal.js";
import { briefLine, directoryLines, eventLine, jsonOf, leftLines, linesOf, skippedLine } from "./report.js";
import { needsAttention } from "./skipped.js";

/** Options of the commands that dial a receiver. */
export const receiverOptions = {
  pin: {
    type: "string",
    value: "IDENTITY",
    about: "The receiver's identity (default: whoever answered at this URL the first time).",
  },
  insecure: {
    type: "boolean",
    about: "Allow ws:// to another machine: what is sent can be read on the way.",
  },
  unconfirmed: commonOptions.unconfirmed,
  retry: {
    type: "boolean",
    about: "Try again, for some minutes, when the receiver cannot be reached or the connection is lost.",
  },
  verbose: { type: "boolean", about: "Tell every signed turn as it happens, on standard error." },
} as const satisfies Readonly<Record<string, Option>>;

interface Values {
  readonly home: string | undefined;
  readonly pin: string | undefined;
  readonly insecure: boolean | undefined;
  readonly unconfirmed: boolean | undefined;
  readonly retry: boolean | undefined;
  readonly verbose: boolean | undefined;
  readonly "remove-missing"?: boolean | undefined;
  readonly json: boolean | undefined;
}

/**
 * Opens the home and a way to the receiver, lets `work` bring a folder in step, and prints what it did.
 *
 * @param at The directory, and the receiver; without a URL, the one that is remembered for the directory.
 */
export async function runExchange(
  context: Context,
  { home, pin, insecure, unconfirmed, retry, verbose, json, ...values }: Values,
  at: { readonly dir: string; readonly url: string | undefined },
  work: (identity: Identity, exchange: Exchange, terminal: Terminal) => Promise<FolderReport>,
): Promise<ExitCode> {
  const given = at.url === "-" ? await lineFrom(context) : at.url;
  const pinned = pin === undefined ? undefined : parseIdentity(pin, "--pin");
  const started = performance.now();
  const stop = listenForStop();
  const progress = new ProgressLine(context.stderr);
  const connection = new ExchangeProgress();
  const source = removalSource(context, values["remove-missing"] === true, stop.signal) ?? refuseRemoval;
  const terminal: Terminal = {
    ask: (removal) => progress.aside(() => source(removal)),
    onProgress: (at) => progress.show(folderProgressText(at)),
  };
  const onEvent = (event: PeerEvent) => {
    const line = verbose ? eventLine(event) : briefLine(event);
    if (line !== undefined) {
      progress.clear();
      note(context, line);
    }
    progress.show(connection.textOf(event));
  };
  try {
    const report = await withHome(
      context,
      home,
      async ({ identity }) => {
        const url = given ?? (await rememberedReceiver(identity.space, at.dir));
        return withReceiver(
          identity,
          {
            url,
            pin: pinned,
            insecure,
            retry,
            signal: stop.signal,
            onEvent,
          },
          (exchange) =>
            remembering(identity, { dir: at.dir, url }, exchange, (noting) =>
              work(identity, noting, terminal),
            ),
        );
      },
      { unconfirmed },
    );
    progress.close();
    const seconds = (performance.now() - started) / 1000;
    if (given !== undefined && isInviteText(given))
      note(context, `${readInvite(given).url} is remembered in place of the invite`);
    for (const line of directoryLines(report)) note(context, line);
    for (const skipped of report.skipped) note(context, skippedLine(skipped));
    if (json) print(context, JSON.stringify(jsonOf(report, seconds)));
    else for (const line of linesOf(report, seconds)) print(context, line);
    for (const line of leftLines(report)) note(context, line);
    const isForAPerson =
      report.conflicts.length > 0 || report.left.length > 0 || report.skipped.some(needsAttention);
    return isForAPerson ? exitCodes.attention : exitCodes.ok;
  } finally {
    progress.close();
    stop.release();
  }
}

/** What is an operand can be read by every user of the machine while the command runs; an invite is a secret. */
async function lineFrom({ stdin }: Context): Promise<string> {
  let text = "";
  for await (const chunk of stdin) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.trim().split("\n", 1)[0] ?? "";
}

/**
 * A folder as a person names it: the whole address of its first frame, or the 64 hex digits behind the `^`.
 *
 * @throws UsageError for anything else.
 */
export function parseFolderAddress(text: string): Address {
  const address = addressIn(text);
  if (address !== undefined) return address;
  throw new UsageError("ADDRESS takes a folder as keysaga sync prints it, or its 64 hex digits");
}

export function isFolderAddress(text: string): boolean {
  return addressIn(text) !== undefined;
}

function addressIn(text: string): Address | undefined {
  const address = /^[0-9A-F]{64}$/i.test(text) ? `${folderIb}^${text.toUpperCase()}` : text.trim();
  return isAddress(address) && gibOf(address).length === 64 ? address : undefined;
}

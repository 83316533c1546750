import {
  type Address,
  canonicalJson,
  evidenceFor,
  exportSession,
  ibOf,
  isAddress,
  KeysagaError,
  type KeptSession,
  keptSessions,
  type Space,
} from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes, UsageError } from "../command.js";
import { homeDir, print, printExactly } from "../context.js";

export const exportCommand = defineCommand({
  name: "export",
  summary: "Print what proves a session, or who made a frame.",
  about: `Prints the transcript of a session as one JSON document, with all that others need to check it without this
home: who spoke, every turn both sides signed, and the receipts. It names records and holds none, and no secret.
The address of a frame in place of SESSION prints the proof of who made it. Without either, lists the sessions whose
transcripts are kept. What a document says, and how it is checked, is in docs/format.md. Needs no passphrase.`,
  operands: ["SESSION?"],
  options: { home: commonOptions.home },
  examples: [
    "keysaga export",
    "keysaga export 'keystone.session^9A2A…' > session.json",
    "keysaga export 'note^9F2C….A01B…' > proof.json",
  ],
  async run(context, values, [text]) {
    const address = text?.trim();
    if (address !== undefined && !isAddress(address))
      throw new UsageError("SESSION is ib^gib, as keysaga export prints it, in quotes");
    const { space } = await openHomeStore(homeDir(context, values.home));
    try {
      if (address !== undefined) printExactly(context, canonicalJson(await documentOf(space, address)));
      else for (const kept of await keptSessions(space)) print(context, lineOf(kept));
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

async function documentOf(space: Space, address: Address): Promise<unknown> {
  if (ibOf(address) === "keystone.session") return exportSession(space, address);
  const evidence = await evidenceFor(space, [address]);
  if (evidence.length === 0) throw new KeysagaError("no_proof");
  return evidence;
}

function lineOf({ session, sender, receiver, bytes }: KeptSession): string {
  return `${session}  ${bytes} bytes, ${sender} to ${receiver}`;
}

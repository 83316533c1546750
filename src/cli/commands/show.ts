import { type Address, type IbGib, isAddress, isTjp, KeysagaError, type Space } from "../../index.js";
import { openHomeStore } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes, UsageError } from "../command.js";
import { homeDir, print } from "../context.js";

export const show = defineCommand({
  name: "show",
  summary: "Print a record.",
  about: `Prints a record of this home, or a keystone frame or context. For the first address of a timeline it
prints the newest frame as well. Needs no passphrase.`,
  operands: ["ADDRESS"],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga show 'note 9F2C…^A01B…'", 'keysaga show --json "$(keysaga id)"'],
  async run(context, values, [text]) {
    const address = text.trim();
    if (!isAddress(address)) throw new UsageError("ADDRESS is ib^gib, as other commands print it, in quotes");
    const { space } = await openHomeStore(homeDir(context, values.home));
    try {
      const { record, tip } = await find(space, address);
      print(
        context,
        values.json
          ? JSON.stringify({ ...plainOf(record), ...(tip && { tip: plainOf(tip) }) })
          : textOf(record, tip),
      );
      return exitCodes.ok;
    } finally {
      await space.close();
    }
  },
});

/** The record, and the newest frame where it is the first of a timeline and not the newest itself. */
async function find(space: Space, address: Address): Promise<{ record: IbGib; tip: IbGib | undefined }> {
  const record = (await space.get(address)) ?? (await space.proof(address));
  if (record === undefined) throw new KeysagaError("not_found");
  const newest = isTjp(record) ? await space.tip(address) : undefined;
  const tip = newest && newest.address !== address ? await space.get(newest.address) : undefined;
  return { record, tip };
}

/** A record as plain JSON; raw bytes in base 64. */
function plainOf({ ib, gib, data, rel8ns }: IbGib) {
  const plainData = data instanceof Uint8Array ? { base64: Buffer.from(data).toString("base64") } : data;
  return { ib, gib, ...(plainData && { data: plainData }), ...(rel8ns && { rel8ns }) };
}

function textOf(record: IbGib, tip: IbGib | undefined): string {
  return tip === undefined ? blockOf(record) : `${blockOf(record)}\n\nnewest frame\n${blockOf(tip)}`;
}

function blockOf(record: IbGib): string {
  const { data, rel8ns } = record;
  const lines: string[] = [record.address];
  if (data instanceof Uint8Array) lines.push("data", `  ${data.length} bytes`);
  else if (data !== undefined)
    lines.push("data", ...Object.entries(data).map(([name, value]) => memberOf(name, value)));
  for (const [name, addresses] of Object.entries(rel8ns ?? {}))
    lines.push(name, ...addresses.map((at) => `  ${at}`));
  return lines.join("\n");
}

/** One member of data; text over several lines stands below its name. */
function memberOf(name: string, value: unknown): string {
  if (typeof value !== "string") return `  ${name}: ${JSON.stringify(value)}`;
  if (!value.includes("\n")) return `  ${name}: ${value}`;
  return `  ${name}:\n${value.replace(/^/gm, "    ")}`;
}

/** Writes the test vectors of docs/format.md into tests/vectors/format/: `npm run docs:vectors`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { documents } from "./vectors/documents.js";
import { keystones } from "./vectors/keystones.js";
import { addresses, merkle, normalJson, records, sets, signatures } from "./vectors/records.js";

/** Every file by name. The same ones each time: nothing in them is drawn, and their clock stands. */
export async function formatVectors(): Promise<ReadonlyMap<string, string>> {
  const whole = await documents();
  const lists = {
    "normal-json": normalJson(),
    addresses: addresses(),
    records: records(),
    merkle: merkle(),
    sets: await sets(),
    ed25519: signatures(),
    keystones: keystones(),
    documents: whole.map(({ name, says }) => ({ name, says })),
  };
  return new Map([
    ...Object.entries(lists).map(
      ([name, list]) => [`${name}.json`, `${JSON.stringify(list, null, 1)}\n`] as const,
    ),
    ...whole.map(({ name, text }) => [`${name}.json`, `${text}\n`] as const),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = new URL("../tests/vectors/format/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of await formatVectors()) writeFileSync(new URL(name, folder), text);
}

/**
 * Writes api/, a report of what each entry point exports: `npm run api`. So each change of what embedders compile against is
 * a change of a file that is reviewed.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Declaration, type EntryName, type PublicApi, readPublicApi } from "./public-api.js";

const specifiers: Readonly<Record<EntryName, string>> = {
  keysaga: "keysaga",
  node: "keysaga/node",
  testing: "keysaga/testing",
};

/** The reports by the name of their file. */
export function apiReports({ exported, queried }: PublicApi): ReadonlyMap<string, string> {
  const reports = Object.entries(exported).map(
    ([entry, declarations]) =>
      [`${entry}.md`, report(`What ${specifiers[entry as EntryName]} exports`, declarations)] as const,
  );
  return new Map([...reports, ["typeof.md", report("What exported types are derived from", queried)]]);
}

function report(title: string, declarations: readonly Declaration[]): string {
  const intro = "<!-- Written by `npm run api` from the built declarations. Change src, and run that. -->";
  return `# ${title}\n\n${intro}\n\n\`\`\`ts\n${declarations.map(entryOf).join("\n")}\`\`\`\n`;
}

function entryOf({ name, isTypeOnly, text }: Declaration): string {
  const hasValue = /^(export )?declare /m.test(text);
  return `// ${name}${isTypeOnly && hasValue ? ", only as a type" : ""}\n${text}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = new URL("../api/", import.meta.url);
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of apiReports(readPublicApi())) writeFileSync(new URL(file, directory), text);
}

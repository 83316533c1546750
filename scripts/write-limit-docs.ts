/** Writes the table of limits into README.md, from the code: `npm run docs:limits`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folderLimits } from "../src/cli/folder/limits.js";
import { limitTable, showLimit } from "../src/cli/limits.js";
import { inviteLimits, recordLimits } from "../src/index.js";

const [start, end] = ["<!-- limits: npm run docs:limits -->", "<!-- /limits -->"];
const fixed = "(fixed)";

/** README.md with the table as it should be. */
export function withLimits(readme: string): string {
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error("README.md has no place for the limits");
  return `${readme.slice(0, from + start.length)}\n\n${table().join("\n")}\n\n${readme.slice(to)}`;
}

function table(): string[] {
  const { filesMax, fileBytesMax, pathBytesMax } = folderLimits;
  const rows = [
    [fixed, showLimit("recordBytesMax", recordLimits.recordBytesMax), "one record"],
    [fixed, showLimit("filesMax", filesMax), "files of a folder"],
    [fixed, showLimit("fileBytesMax", fileBytesMax), "one file of a folder"],
    [fixed, showLimit("pathBytesMax", pathBytesMax), "a path in a folder"],
    [fixed, showLimit("openMax", inviteLimits.openMax), "invites that are neither used nor expired"],
    ...limitTable().map(([name, value, about]) => [`\`${name}\``, value, about]),
  ];
  return [
    "| limit | value | of what |",
    "| --- | --- | --- |",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const readme = new URL("../README.md", import.meta.url);
  writeFileSync(readme, withLimits(readFileSync(readme, "utf8")));
}

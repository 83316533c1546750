import type { Problem, VerifyCounts } from "../../index.js";
import { verifyHome } from "../../node/index.js";
import { commonOptions, defineCommand, exitCodes } from "../command.js";
import { type Context, homeDir, note, print } from "../context.js";

/** Of a store in ruins, so many problems are listed one by one in the JSON object. */
const listedMax = 1_000;

export const verify = defineCommand({
  name: "verify",
  summary: "Check everything in the store.",
  about: `Replays every keystone, re-hashes every record, follows every link and walks back from every tip. Prints
what is wrong, each with its address and the rule that is broken, and exits with 1 if anything is. Needs no
passphrase; the home may be in use.`,
  operands: [],
  options: { home: commonOptions.home, json: commonOptions.json },
  examples: ["keysaga verify", "keysaga verify --home ./receiver --json"],
  async run(context, values) {
    const dir = homeDir(context, values.home);
    const isJson = values.json === true;
    const listed: Problem[] = [];
    for await (const found of verifyHome(dir)) {
      if (found.kind === "summary") {
        if (isJson)
          print(context, JSON.stringify({ ...found.counts, problems: found.problems, found: listed }));
        else summarize(context, found.counts, found.problems);
        return found.problems === 0 ? exitCodes.ok : exitCodes.failed;
      }
      if (!isJson) note(context, lineOf(found.problem));
      else if (listed.length < listedMax) listed.push(found.problem);
    }
    return exitCodes.failed;
  },
});

function lineOf({ at, rule, detail }: Problem): string {
  return `${at}: ${rule}${detail === undefined ? "" : ` (${detail})`}`;
}

function summarize(context: Context, counts: Readonly<VerifyCounts>, problems: number): void {
  const { records, bytes, timelines, frames, references, keystones, proofs, cells } = counts;
  print(
    context,
    `${records} records (${bytes} bytes), ${timelines} timelines with ${frames} frames on their tips,`,
  );
  if (references > 0) print(context, `${references} references to what stayed away,`);
  print(context, `${keystones} keystones, ${proofs} keystone frames and contexts, ${cells} cells:`);
  print(context, problems === 0 ? "all in order" : `${problems} ${problems === 1 ? "problem" : "problems"}`);
}

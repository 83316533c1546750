/** Writes docs/errors.md from the table in src/base/error-table.ts: `npm run docs:errors`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ErrorRow, errorTable } from "../src/base/index.js";

const intro = `# Errors

<!-- Written by \`npm run docs:errors\` from src/base/error-table.ts. Change it there. -->

Every failure of the library is one class, \`KeysagaError\`, with a \`code\` from this closed table. \`error.message\` says
what happened and what to do, as below, followed by \`error.facts\`: rules, limits, addresses and paths, never data of a record and
never a secret. \`error.cause\` holds what was thrown underneath, where there was something.

- **Retry**: the same call may succeed later, although nobody changes anything. For all others trying again is of no
  use before something was changed.
- **Told**: the code is sent to the other side before the connection closes. The code alone: never the facts. A code
  that is not told arrives there as \`sync_error\`. Before the sender has proved who it is, every code arrives as
  \`auth_fail\`.

What the other side told has the fact \`told\`. A code that only a fault or an attack of the other side can cause, such
as \`malformed_message\` or \`wrong_context\`, ends the session; report it with its facts.

The command adds two kinds of its own, which are no codes: a command line that cannot be meant (exit status 2), and a
folder that cannot be taken as it is, or that this home may not read or write (exit status 1). Every other failure is
exit status 1. Exit status 3 is no failure: the folder is in step, but some edits met, or files were left out, and a person
should look at it.

\`auth_fail\` and \`invite_refused\` have the facts \`identity\` and \`dialled\`: what the receiver's operator needs.
\`limit_exceeded\` has \`side\` (\`ours\` or \`theirs\`), and of this side's limits \`limit\` and \`max\`.

\`not_permitted\` ends nothing: it comes with the event \`refused\` at the receiver, and the sender's report has the root in \`left\`.
`;

/** The whole page. */
export function errorDocs(table: Readonly<Record<string, ErrorRow>>): string {
  const rows = Object.entries(table).map(
    ([code, { text, remedy, retryable, tellPeer }]) =>
      `| \`${code}\` | ${text} | ${remedy} | ${retryable ? "yes" : ""} | ${tellPeer ? "yes" : ""} |`,
  );
  return [
    intro,
    "| Code | What happened | What to do | Retry | Told |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("../docs/errors.md", import.meta.url), errorDocs(errorTable));
}

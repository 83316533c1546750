import type { Context } from "./context.js";
import type { AskRemoval, MassRemoval } from "./folder/removal.js";

/**
 * Who says whether a large removal is meant: `--remove-missing`, else the person at the terminal. Undefined where there
 * is neither.
 *
 * @param signal Ends the question, with no for an answer.
 */
export function removalSource(
  context: Context,
  isMeant: boolean,
  signal: AbortSignal,
): AskRemoval | undefined {
  if (isMeant) return async () => true;
  if (!context.stdin.isTTY) return undefined;
  return async (removal) => {
    context.stderr.write(questionOf(removal));
    return /^y(es)?$/i.test((await readLine(context.stdin, signal)).trim());
  };
}

function questionOf({ kind, gone, of }: MassRemoval): string {
  switch (kind) {
    case "missing":
      return `${gone} of ${of} files are gone from the directory. Remove them for everybody? [y/N] `;
    case "unmarked":
      return `This is not the directory that was synced here: ${gone} of ${of} files are gone. Remove them for everybody? [y/N] `;
    case "removed_there":
      return `Others have removed ${gone} of ${of} files. Remove them here as well? [y/N] `;
  }
}

/** What the person types until Return; nothing where the input or the command ends before. */
function readLine(stdin: Context["stdin"], signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let typed = "";
    const finish = () => {
      stdin.off("data", take).off("end", finish).pause();
      signal.removeEventListener("abort", finish);
      resolve(typed.endsWith("\n") ? typed : "");
    };
    const take = (chunk: Buffer | string) => {
      typed += chunk.toString();
      if (typed.includes("\n")) finish();
    };
    signal.addEventListener("abort", finish);
    stdin.on("data", take).on("end", finish).resume();
  });
}

import { UsageError } from "./command.js";
import type { Context } from "./context.js";

const variable = "KEYSAGA_PASSPHRASE";

/**
 * Where a passphrase comes from: KEYSAGA_PASSPHRASE, else a prompt that shows nothing of it. Undefined where there
 * is neither, so that a locked home says what it needs.
 */
export function passphraseSource(context: Context): (() => Promise<string>) | undefined {
  const given = context.env[variable];
  if (given) return async () => given;
  return context.stdin.isTTY ? () => ask(context, "Passphrase: ") : undefined;
}

/** @throws UsageError where nobody can be asked, or the two entries differ or are empty. */
export async function choosePassphrase(context: Context): Promise<string> {
  const given = context.env[variable];
  if (given) return given;
  if (!context.stdin.isTTY) {
    throw new UsageError(
      `there is no terminal to ask for a passphrase: set ${variable}, or say --no-passphrase`,
    );
  }
  const first = await ask(context, "New passphrase: ");
  if (first === "") throw new UsageError("the passphrase is empty: say --no-passphrase if that is meant");
  if ((await ask(context, "The same again: ")) !== first) throw new UsageError("the two passphrases differ");
  return first;
}

/** One line from the terminal, unseen. The terminal is as it was, however this ends. */
async function ask({ stdin, stderr }: Context, prompt: string): Promise<string> {
  stdin.setRawMode?.(true); // before the prompt, so that nothing typed after it is shown
  stderr.write(prompt);
  try {
    return await readUnseen(stdin);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    stderr.write("\n");
  }
}

function readUnseen(stdin: Context["stdin"]): Promise<string> {
  return new Promise((resolve, reject) => {
    let typed = "";
    const finish = (end: () => void) => {
      stdin.off("data", take).off("end", cancel);
      end();
    };
    const cancel = () => finish(() => reject(new UsageError("no passphrase was given")));
    const take = (chunk: Buffer | string) => {
      for (const letter of chunk.toString()) {
        if (letter === "\r" || letter === "\n") return finish(() => resolve(typed));
        if (letter === "\u0003" || letter === "\u0004") return cancel();
        typed = letter === "\u007f" || letter === "\b" ? typed.replace(/.$/u, "") : typed + letter;
      }
    };
    stdin.on("data", take).on("end", cancel).resume();
  });
}

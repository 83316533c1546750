import { type Home, openHome } from "../node/index.js";
import { type Context, homeDir } from "./context.js";
import { passphraseSource } from "./passphrase.js";

/**
 * Opens the home a command is meant for, hands it to `work`, and closes it, however `work` ends.
 *
 * @param option What `--home` says.
 * @param unconfirmed What `--unconfirmed` says.
 */
export async function withHome<Result>(
  context: Context,
  option: string | undefined,
  work: (home: Home) => Promise<Result>,
  { unconfirmed = false }: { readonly unconfirmed?: boolean | undefined } = {},
): Promise<Result> {
  const passphrase = passphraseSource(context);
  const home = await openHome({
    dir: homeDir(context, option),
    signUnconfirmed: unconfirmed,
    ...(passphrase && { passphrase }),
  });
  try {
    return await work(home);
  } finally {
    await home.close();
  }
}

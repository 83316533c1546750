import { type Identity, isInviteText, readInvite, type Space } from "../../index.js";
import { saveMapping } from "./bring-down.js";
import { cellAt } from "./directory.js";
import { FolderError } from "./errors.js";
import type { Exchange } from "./exchange.js";
import { isMapped } from "./mapping.js";
import { checkOutsideSynced } from "./own.js";

/**
 * The URL of the receiver that a directory was last in step with. It lies in the home with the mapping, and never in the
 * directory, which may get to others: they would dial what somebody else wrote there.
 *
 * @throws FolderError `no_receiver`, `not_a_directory`, and `in_synced` for a part of a synced directory.
 */
export async function rememberedReceiver(space: Space, dir: string): Promise<string> {
  const cell = await cellAt(space, dir);
  if (!isMapped(cell)) await checkOutsideSynced(cell.place);
  const url = cell.mapping?.receiver;
  if (url === undefined) throw new FolderError("no_receiver", { path: dir });
  return url;
}

/**
 * Lets `work` use a receiver, and remembers it for the directory from the first saga on that ended well, whatever became of
 * the work: a URL that was mistyped is not remembered.
 *
 * @param url Or an invite, of which the URL is remembered.
 */
export async function remembering<Result>(
  identity: Identity,
  { dir, url }: { readonly dir: string; readonly url: string },
  exchange: Exchange,
  work: (exchange: Exchange) => Promise<Result>,
): Promise<Result> {
  let isMet = false;
  const noting = async (...given: Parameters<Exchange>) => {
    const report = await exchange(...given);
    isMet = true;
    return report;
  };
  try {
    return await work(exchange.connect ? Object.assign(noting, { connect: exchange.connect }) : noting);
  } finally {
    if (isMet) await remember(identity, dir, isInviteText(url) ? readInvite(url).url : url);
  }
}

/** Where another process was faster, it has remembered its own. */
async function remember(identity: Identity, dir: string, receiver: string): Promise<void> {
  const cell = await cellAt(identity.space, dir);
  if (!isMapped(cell) || cell.mapping.receiver === receiver) return;
  try {
    await saveMapping(identity, cell, { ...cell.mapping, receiver });
  } catch (thrown) {
    if (!(thrown instanceof FolderError && thrown.rule === "moved")) throw thrown;
  }
}

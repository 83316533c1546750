import { type ErrorCode, KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { dialWebSocket } from "../../transport/index.js";
import { cellKinds, readCells } from "../home/cells.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import { createSender } from "./sender.js";

/** What says that this is a copy, or was put back from a backup, whatever other receivers say. */
const contradictions: readonly ErrorCode[] = ["restored_backup", "duplicity"];

/**
 * Has a receiver that this identity has met confirm that it knows nothing newer of it, so that the identity may sign
 * here: by a handshake with those whose WebSocket origins are kept, all at once. The first that confirms is enough. An
 * origin that was dialled without TLS then is dialled so again: nothing but the handshake goes over it.
 *
 * @throws KeysagaError `tip_unconfirmed` where none of them could be reached, or none confirms; `restored_backup`,
 *   `duplicity` where one of them knows more than this space.
 */
export async function confirmTip(identity: Identity, platform: Platform = systemPlatform): Promise<void> {
  const { confirmation } = internalsOf(identity);
  if (confirmation.isGiven) return;
  const origins = await originsMet(identity);
  const enough = new AbortController();
  const meetings = origins.map(async ([origin, pin]) => {
    await meet(identity, { origin, pin }, platform, enough.signal);
    if (confirmation.isGiven) enough.abort();
  });
  const ended = await Promise.allSettled(meetings);
  for (const end of ended) if (end.status === "rejected" && isContradiction(end.reason)) throw end.reason;
  if (!confirmation.isGiven) throw new KeysagaError("tip_unconfirmed", { asked: origins.length });
}

function isContradiction(reason: unknown): boolean {
  return reason instanceof KeysagaError && contradictions.includes(reason.code);
}

/** Where the receivers answered that this identity has a lane to, and who they are. */
async function originsMet({ space }: Identity): Promise<readonly (readonly [string, Address])[]> {
  const [pins, lanes] = await Promise.all([
    readCells(space, cellKinds.pin, ""),
    readCells(space, cellKinds.laneTo, ""),
  ]);
  const met = new Set<string>(lanes.map(({ name }) => name));
  return pins
    .filter(({ name, value }) => met.has(value.receiver) && /^wss?:/.test(name))
    .map(({ name, value }) => [name, value.receiver]);
}

async function meet(
  identity: Identity,
  { origin, pin }: { readonly origin: string; readonly pin: Address },
  platform: Platform,
  signal: AbortSignal,
): Promise<void> {
  const dial = dialWebSocket(origin, { timers: platform.timers, insecure: true });
  const sender = createSender({ identity, dial, audience: origin, pin, platform });
  try {
    await sender.connect({ signal });
  } finally {
    await sender.disconnect();
  }
}

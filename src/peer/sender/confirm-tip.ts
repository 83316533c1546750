import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import { dialWebSocket } from "../../transport/index.js";
import { cellKinds, readCells } from "../home/cells.js";
import { type Identity, internalsOf, isOldCopy } from "../home/identity.js";
import { type Platform, systemPlatform } from "../home/platform.js";
import type { OnEvent } from "../session/events.js";
import { createSender } from "./sender.js";

/**
 * Has a receiver that this identity has met confirm that it knows nothing newer of it, so that the identity may sign
 * here: by a handshake with those whose WebSocket origins are kept, all at once. The first that confirms is enough, except
 * for a home that was put back from a backup: what any of them knows is taken over (`home_behind`), and all are asked. An
 * origin that was dialled without TLS then is dialled so again: nothing but the handshake goes over it.
 *
 * @param onEvent Told what these handshakes come to.
 * @throws KeysagaError `tip_unconfirmed` where none of them could be reached, or none confirms; `duplicity` where one of
 *   them knows other frames than this space. Where an old copy had to ask all and could not, whatever signs next says
 *   `restored_backup`.
 */
export async function confirmTip(
  identity: Identity,
  platform: Platform = systemPlatform,
  onEvent?: OnEvent,
): Promise<void> {
  const { confirmation } = internalsOf(identity);
  if (await isEnough(identity)) return;
  const origins = await originsMet(identity);
  const enough = new AbortController();
  const meetings = origins.map(async ([origin, pin]) => {
    await meet(identity, { origin, pin, onEvent }, platform, enough.signal);
    if (await isEnough(identity)) enough.abort();
  });
  const ended = await Promise.allSettled(meetings);
  for (const end of ended) if (end.status === "rejected" && isFork(end.reason)) throw end.reason;
  if (!confirmation.isGiven && !(await isOldCopy(identity)))
    throw new KeysagaError("tip_unconfirmed", { asked: origins.length });
}

async function isEnough(identity: Identity): Promise<boolean> {
  const { confirmation } = internalsOf(identity);
  return confirmation.isGiven && !(await isOldCopy(identity));
}

function isFork(reason: unknown): boolean {
  return reason instanceof KeysagaError && reason.code === "duplicity";
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
  {
    origin,
    pin,
    onEvent,
  }: { readonly origin: string; readonly pin: Address; readonly onEvent: OnEvent | undefined },
  platform: Platform,
  signal: AbortSignal,
): Promise<void> {
  const dial = dialWebSocket(origin, { timers: platform.timers, insecure: true });
  const watching = onEvent && { onEvent };
  const sender = createSender({ identity, dial, audience: origin, pin, platform, ...watching });
  try {
    await sender.connect({ signal });
  } finally {
    await sender.disconnect();
  }
}

import {
  createIdentity,
  createInvite,
  createSender,
  type Identity,
  type InviteOptions,
  type NewInvite,
  type Platform,
  type Sender,
  type SenderSettings,
} from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import type { Peer, World } from "../../src/testing/index.js";
import type { Dial } from "../../src/transport/index.js";
import { codeOf } from "../protocol/lab.js";

/** Admits whoever shows an invite. */
export const byInvite = { kind: "invite" } as const;

/** An identity that nobody has met. */
export function newcomer({ random }: Pick<Platform, "random">): Promise<Identity> {
  return createIdentity({
    space: new InnerSpace(),
    secret: random.bytes(32),
    recoverySecret: random.bytes(32),
  });
}

/** Good for an hour, with a URL: what is dialled in memory has none of its own. */
export function invite(by: Pick<Peer, "identity">, options: Partial<InviteOptions> = {}): Promise<NewInvite> {
  return createInvite(by.identity, { url: "wss://sync.example", expiresInMs: 60 * 60_000, ...options });
}

/** What is kept of an invite: whether it was used, and by whom. */
export async function keptOf(
  { space }: Pick<Peer, "space">,
  { id }: Pick<NewInvite, "id">,
): Promise<{ readonly expires: number; readonly usedBy?: string } | undefined> {
  const bytes = await space.cell(`invite/${id}`);
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

type GuestSettings = Partial<SenderSettings> & { readonly dial?: Dial; readonly audience?: string };

/** Somebody who dials the receiver of a world, with an invite or without. */
export function guest(
  world: Pick<World, "dial" | "audience">,
  identity: Identity,
  shown?: string,
  { dial = world.dial, audience = world.audience, ...settings }: GuestSettings = {},
): Sender {
  return createSender({
    identity,
    dial,
    audience,
    ...(shown !== undefined && { invite: shown }),
    ...settings,
  });
}

/** Connects and disconnects. @returns The code it failed with, or "none". */
export async function tryOnce(...of: Parameters<typeof guest>): Promise<string> {
  const sender = guest(...of);
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  return code;
}

import {
  assert,
  fromHex,
  hkdfSha256,
  type Instant,
  KeysagaError,
  lengthPrefixed,
  limitExceeded,
  sameSecret,
  toHex,
  utf8,
} from "../../base/index.js";
import { type Candidate, type InviteShown, inviteMac } from "../../saga/index.js";
import type { CellChange } from "../../space/index.js";
import {
  type CellValue,
  cellKinds,
  changeCell,
  newCell,
  readCell,
  readCells,
  removeCell,
} from "../home/cells.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { writeInvite } from "../home/invite-text.js";
import { type Platform, systemPlatform } from "../home/platform.js";

/** What a receiver keeps of invites, at most. */
export const inviteLimits = {
  /** Invites that are neither used nor expired. */
  openMax: 1_000,
  expiresInMsMax: 366 * 24 * 60 * 60_000,
} as const;

export interface InviteOptions {
  /** Where the receiver is reached, as `wss://sync.example`; its origin has to be one of the receiver's audiences. */
  readonly url: string;
  readonly expiresInMs: number;
  readonly platform?: Pick<Platform, "clock" | "random">;
}

/** An invite that was made. */
export interface NewInvite {
  /** What is given to whom it is meant for, by a way that nobody else reads. A secret, shown once: it is kept nowhere. */
  readonly text: string;
  /** Names it in events and logs; no secret. */
  readonly id: string;
  /** By this receiver's clock. */
  readonly expires: Instant;
}

/**
 * Makes an invite: whoever shows it first, before it expires, is admitted by this identity's receivers that admit by
 * invite (`Admission`), and stays so. Durable when this resolves, and good at once, in every process on this home.
 *
 * @throws KeysagaError `invite_not_made`; `limit_exceeded` beyond `inviteLimits.openMax`.
 */
export async function createInvite(
  inviter: Identity,
  { url, expiresInMs, platform = systemPlatform }: InviteOptions,
): Promise<NewInvite> {
  if (!(expiresInMs > 0 && expiresInMs <= inviteLimits.expiresInMsMax))
    throw new KeysagaError("invite_not_made", { rule: "expiresInMs", max: inviteLimits.expiresInMsMax });
  const id = toHex(platform.random.bytes(16));
  const text = writeInvite({ url, receiver: inviter.address, id, key: keyOf(inviter, id) });
  const now = platform.clock.now();
  const expires = Math.ceil(now + expiresInMs);
  while (!(await keep(inviter, { id, expires }, now)));
  return { text, id, expires };
}

/** @returns Whether it was kept; if not, another was made meanwhile, and has to be counted. */
async function keep(
  { space, address }: Identity,
  { id, expires }: Pick<NewInvite, "id" | "expires">,
  now: Instant,
): Promise<boolean> {
  const made = await readCell(space, cellKinds.invitesMade, "");
  const kept = await readCells(space, cellKinds.invite, "");
  const over = kept.filter(({ value }) => value.expires <= now);
  const open = kept.filter(({ value }) => value.expires > now && value.usedBy === undefined);
  if (open.length >= inviteLimits.openMax) throw limitExceeded("openMax", inviteLimits.openMax);
  const { kind } = await space.commit({
    holder: address,
    sight: { holders: [] },
    cells: [
      changeCell(made, { count: (made.value?.count ?? 0) + 1 }),
      newCell(cellKinds.invite, id, { expires }),
      ...over.map(removeCell),
    ],
  });
  return kind === "committed";
}

/** Somebody who has proved to be `identity`, and shows an invite. */
export type Invited = Candidate & { readonly invite: InviteShown };

/**
 * The change that uses up an invite, for the commit that lets in who shows it: of many at once, one commit is made, and
 * the others find the invite used.
 *
 * @throws KeysagaError `invite_refused`, with the reason, which is for this side alone.
 */
export async function redemptionOf(
  inviter: Identity,
  { identity, invite: { id, mac }, connectTarget }: Invited,
  now: Instant,
): Promise<CellChange> {
  const cell = await readCell(inviter.space, cellKinds.invite, id);
  // For an id that is unknown as well: how long a refusal takes says little of what there is.
  const isRight = sameSecret(
    inviteMac({ id, key: keyOf(inviter, id) }, identity, connectTarget),
    bytesOf(mac),
  );
  const reason = reasonAgainst(cell.value, isRight, now);
  if (!cell.value || reason !== undefined) throw new KeysagaError("invite_refused", { invite: id, reason });
  return changeCell(cell, { ...cell.value, usedBy: identity });
}

/** Why an invite does not count, as far as it does not. */
function reasonAgainst(
  kept: CellValue<"invite"> | undefined,
  isRight: boolean,
  now: Instant,
): string | undefined {
  if (!kept) return "unknown";
  if (!isRight) return "wrong mac";
  if (kept.usedBy !== undefined) return "used";
  return kept.expires <= now ? "expired" : undefined;
}

/** Never stored: it follows from this device's secret and the id, so that a store alone lets nobody in. */
function keyOf(inviter: Identity, id: string): Uint8Array {
  const { secretFor } = internalsOf(inviter);
  return hkdfSha256(
    secretFor("invite"),
    utf8(inviter.address),
    lengthPrefixed("keysaga/invite-key/1", id),
    32,
  );
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  assert(bytes, "a schema has checked that this is hex");
  return bytes;
}

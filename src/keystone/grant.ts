import * as z from "zod";
import { assert, KeysagaError, toHex } from "../base/index.js";
import {
  type Address,
  type DraftData,
  gibOf,
  type IbGib,
  ibOf,
  isAddress,
  isIdentityAddress,
  sealRecord,
} from "../ibgib/index.js";
import { nonceLength } from "./derive.js";
import type { Claim } from "./frame.js";
import { keystoneLimits as limits } from "./limits.js";
import { hexOf } from "./strategy.js";

export const grantIb = "keystone.grant";
export const withdrawalIb = "keystone.withdrawal";

/** What a grant lets its grantee do. Who may write may read. */
export const Access = z.enum(["read", "write"]);
export type Access = z.infer<typeof Access>;

/** What is asked of rights: the same two words. */
export type Action = Access;

const address = z.custom<Address>(isAddress);
const identity = z.custom<Address>(isIdentityAddress);
const timeline = z.custom<Address>(isFirstAddress);
const nonce = hexOf(nonceLength);

const Grant = z
  .strictObject({
    nonce,
    /** The owner of the timeline: it counts by a frame of this identity, and of no other. */
    issuer: identity,
    /** Who may. */
    identity,
    timeline,
    access: Access,
    /** Milliseconds since the epoch, by the clock of whoever judges. */
    expires: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
    /** How often it may be used, and with whom: the receiver that counts. Both or neither. */
    uses: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).exactOptional(),
    receiver: identity.exactOptional(),
  })
  .refine(({ uses, receiver }) => (uses === undefined) === (receiver === undefined), "uses and receiver");
/** Lets an identity read, or read and write, a timeline and what the same owner keeps within it. */
export type Grant = Readonly<z.infer<typeof Grant>>;

const Withdrawal = z.strictObject({
  nonce,
  grant: z.custom<Address>(isGrantAddress),
  timeline,
  /**
   * The newest frames that count, of the timeline and of timelines within it: what the grantee has added by them, or
   * before, still does, and nothing else. Where a grant is withdrawn more than once, what counts by any of them does.
   */
  last: z.array(address).min(1).max(limits.lastMax),
});
/** Takes a grant back. */
export type Withdrawal = Readonly<z.infer<typeof Withdrawal>>;

/** A grant's record. It counts once a frame of its issuer with the verb `grant` has its address as target. */
export function sealGrant(freshNonce: Uint8Array, says: Omit<Grant, "nonce">): IbGib {
  return sealStatement(grantIb, Grant, { ...says, nonce: toHex(freshNonce) });
}

/**
 * A withdrawal's record. It counts once a frame of the grant's issuer with the verb `revoke` has its address as target
 * and the grant's as scope: whoever sees that frame knows what is withdrawn, with the record or without.
 */
export function sealWithdrawal(freshNonce: Uint8Array, says: Omit<Withdrawal, "nonce">): IbGib {
  return sealStatement(withdrawalIb, Withdrawal, { ...says, nonce: toHex(freshNonce) });
}

/** @throws KeysagaError `grant_refused` where `record` is no grant. */
export function readGrant(record: IbGib): Grant {
  return read(record, grantIb, Grant);
}

/** @throws KeysagaError `grant_refused` where `record` is no withdrawal. */
export function readWithdrawal(record: IbGib): Withdrawal {
  return read(record, withdrawalIb, Withdrawal);
}

export function isGrantAddress(value: unknown): value is Address {
  return isFirstAddress(value) && ibOf(value) === grantIb;
}

/** The statements about grants that an identity's frames have made. */
export interface Statements {
  /** Grants, by address. */
  readonly granted: ReadonlySet<Address>;
  /** Grants that were taken back, each with its withdrawals. */
  readonly withdrawn: ReadonlyMap<Address, readonly Address[]>;
}

export const noStatements: Statements = { granted: new Set(), withdrawn: new Map() };

/**
 * What an identity has stated once a frame of it has claimed this. Other claims change nothing.
 *
 * @throws KeysagaError `frame_refused` where a claim about a grant does not name one.
 */
export function withStatement(statements: Statements, { verb, target, scope }: Claim): Statements {
  const { granted, withdrawn } = statements;
  if (verb === "grant") {
    if (!isGrantAddress(target)) throw new KeysagaError("frame_refused", { rule: "grants a grant" });
    return { granted: new Set(granted).add(target), withdrawn };
  }
  if (verb !== "revoke" || !isWithdrawalAddress(target)) return statements;
  if (!isGrantAddress(scope)) throw new KeysagaError("frame_refused", { rule: "withdraws a grant" });
  const all = [...(withdrawn.get(scope) ?? []), target];
  return { granted, withdrawn: new Map(withdrawn).set(scope, all) };
}

export function isWithdrawalAddress(value: unknown): value is Address {
  return isFirstAddress(value) && ibOf(value) === withdrawalIb;
}

/** A gib without a timeline's behind it. */
function isFirstAddress(value: unknown): value is Address {
  return isAddress(value) && gibOf(value).length === 64;
}

function sealStatement<Says extends DraftData>(ib: string, schema: z.ZodType<Says>, says: Says): IbGib {
  assert(schema.safeParse(says).success, "a statement has the shape that others ask for");
  return sealRecord({ ib, data: says });
}

function read<Says>(record: IbGib, ib: string, schema: z.ZodType<Says>): Says {
  const result = schema.safeParse(record.data);
  if (record.ib === ib && record.rel8ns === undefined && result.success) return result.data;
  throw new KeysagaError("grant_refused", { rule: "shape" });
}

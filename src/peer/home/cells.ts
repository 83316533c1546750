import * as z from "zod";
import { fromUtf8, KeysagaError, utf8 } from "../../base/index.js";
import { type Address, isAddress } from "../../ibgib/index.js";
import { FrameRow, IdentityRow } from "../../lists/index.js";
import { hostSignature, Receipt, recordText, ShownFrame, Voucher } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";

const address = z.custom<Address>(isAddress);
const inviteId = z.string().regex(/^[0-9a-f]{32}$/);

/** A kind of cell: a name in front of its key, and the schema of its JSON. */
export interface CellKind<Value> {
  readonly prefix: string;
  readonly schema: z.ZodType<Value>;
}

const kind = <Value>(prefix: string, schema: z.ZodType<Value>): CellKind<Value> => ({ prefix, schema });

/** Every cell that peers keep. Keys are addresses or origins behind the prefix. */
export const cellKinds = {
  /** The identity this space belongs to; key: empty. */
  self: kind("self/", z.strictObject({ identity: address })),
  /**
   * Sender: the lane to a receiver, and the number of its newest frame that the receiver is known to have kept. `spent`: the
   * receiver has shown that its keys were used beyond what this home knows, so it signs no more. Key: the receiver's
   * identity.
   */
  laneTo: kind(
    "lane-to/",
    z.strictObject({
      lane: address,
      kept: z.number().int().min(-1),
      spent: z.literal(true).optional(),
    }),
  ),
  /** How often this home was found to be behind what a receiver knows of its identity; key: empty. */
  behind: kind("behind/", z.strictObject({ times: z.number().int().min(1) })),
  /** Sender: which receiver answers at an origin; key: the origin. */
  pin: kind("pin/", z.strictObject({ receiver: address })),
  /**
   * How far an identity is verified and stored: its newest frame with what a replay up to there has come to, the host keys
   * in force, each with the frame that certified it; and whether it has been let in here. Key: its address.
   */
  identity: kind(
    "identity/",
    z.strictObject({
      tip: address,
      n: z.number().int().min(0),
      hostKeys: z.array(z.tuple([z.string(), address])).max(64),
      met: z.literal(true).optional(),
    }),
  ),
  /**
   * The number of the frame by which an identity has delegated a lane, and that frame where it lies in a branch (see
   * `branches`); key: the gibs of both.
   */
  delegated: kind("delegated/", z.strictObject({ n: z.number().int().min(1), branch: address.optional() })),
  /**
   * An identity of which other frames were seen, in places that were taken: the lowest of these places, and how many such
   * frames are kept; key: its address.
   */
  branches: kind(
    "branches/",
    z.strictObject({ n: z.number().int().min(1), frames: z.number().int().min(1) }),
  ),
  /** Receiver: how far it has followed a lane, in one row that does not grow; key: the lane's address. */
  lane: kind(
    "lane/",
    z.strictObject({
      first: recordText,
      newest: recordText,
      unused: z.array(z.strictObject({ n: z.number().int().min(1), frame: address, session: address })),
    }),
  ),
  /** Receiver: bytes that the store holds for an identity; key: its address. */
  usage: kind("usage/", z.strictObject({ bytes: z.number().int().min(0) })),
  /** Receiver: who was let in, or out, here, by an invite or by the embedder; key: the identity's address. */
  admission: kind(
    "admission/",
    z.strictObject({ state: z.enum(["admitted", "expelled"]), invite: inviteId.optional() }),
  ),
  /** Receiver: an invite, until it expires; key: its id. What opens it is not kept. */
  invite: kind("invite/", z.strictObject({ expires: z.number(), usedBy: address.optional() })),
  /** Receiver: how many invites were made, so that one is made after the other; key: empty. */
  invitesMade: kind("invites-made/", z.strictObject({ count: z.number().int().min(0) })),
  /**
   * A session whose transcript is kept, with what vouches for both sides' keystones; key: the lane's gib and the number of
   * the frame that vouches for it.
   */
  session: kind(
    "session/",
    z.strictObject({
      session: address,
      receiverSession: address,
      bytes: z.number().int().min(0),
      voucher: Voucher.shape.signature,
      host: hostSignature,
    }),
  ),
  /** Sender: a receipt as it was signed; key: the saga. */
  receipt: kind("receipt/", z.strictObject({ ...Receipt.shape, session: address })),
  /** The host key's signature over the genesis of a receiver's session that something rests on; key: R's gib. */
  host: kind("host/", hostSignature),
  /**
   * Sender: what a receiver has of a root by its newest receipt, and what went out to it since; key: the gibs of the
   * receiver's identity and of the root.
   */
  arrival: kind(
    "arrival/",
    z.strictObject({
      root: address,
      receipt: z
        .strictObject({
          saga: z.string(),
          session: address,
          time: z.number(),
          held: z.array(address),
          refused: address.optional(),
        })
        .optional(),
      sent: address.optional(),
    }),
  ),
  /** What a list says of an identity; key: the gibs of the list's first frame and of the identity. */
  listIdentity: kind("list-identity/", IdentityRow),
  /** What a list says of a frame; key: the gib of the list, the hash of the frame's timeline, the frame's own hash. */
  listFrame: kind("list-frame/", z.strictObject({ frame: address, row: FrameRow })),
  /** Entries in force of a list; key: its gib. */
  listSize: kind("list-size/", z.strictObject({ entries: z.number().int().min(0) })),
  /** An identity whose entries in a list all end some time, the last of them then; key: as of `listIdentity`. */
  listEnds: kind("list-ends/", z.strictObject({ identity: address, at: z.number() })),
  /** The newest frames of a timeline that are stored and do not count; key: the gibs of whose lists rule it and of it. */
  left: kind("left/", z.strictObject({ timeline: address, heads: z.array(address).min(1) })),
  /** How often an entry was used here; key: the entry's. */
  uses: kind("uses/", z.strictObject({ count: z.number().int().min(0) })),
  /** A timeline without an owner, by who brought it here first; key: the gibs of that identity and of the timeline. */
  founder: kind("founder/", z.strictObject({ timeline: address })),
  /** A frame that a call of this home's own user made here, the last of those it made together; key: its gib. */
  made: kind("made/", z.strictObject({})),
  /** Who signed a frame as its maker, and the list that it stands in; key: the frame's gib. */
  attested: kind("attested/", z.strictObject({ by: address, list: z.string().max(64) })),
  /**
   * A head that an entry with counted uses has let in: where, and the list that says so; key: the frame's gib, the entry.
   */
  counted: kind("counted/", z.strictObject({ by: address, list: z.string().max(64) })),
  /**
   * A list of frames that a session's attest key has signed, once for all that are kept of it: all of its entries in their
   * order, or some with their places. Key: `listName`.
   */
  list: kind(
    "list/",
    z.strictObject({
      session: address,
      saga: z.string(),
      count: z.number().int().min(1),
      signature: z.string(),
      all: z.array(ShownFrame.shape.entry).optional(),
      some: z.array(ShownFrame).optional(),
    }),
  ),
  /** What vouches for a session that lists rest on, and the lane and identity that it speaks for; key: S0's gib. */
  voucher: kind("voucher/", z.strictObject({ ...Voucher.shape, lane: address, identity: address })),
  /** The session that a lane's frame vouches for; key: the lane's gib and the frame's number. */
  vouched: kind("vouched/", z.strictObject({ session: address })),
  /** Two vouchers of a lane for different sessions with one number: nobody lets in a new session of it. Key: its gib. */
  fork: kind("fork/", z.strictObject({ n: z.number().int().min(1), sessions: z.tuple([address, address]) })),
  /**
   * What the other side of a lane has of the proofs that rest on an identity: its frames up to a number, and the newest of
   * the lanes and sessions that it was shown, each by the first 24 digits of its gib. Key: the gibs of the lane between
   * the two sides and of the identity.
   */
  shown: kind(
    "shown/",
    z.strictObject({ n: z.number().int().min(-1), parts: z.array(z.string().length(24)).max(64) }),
  ),
} as const;

export type CellValue<Kind extends keyof typeof cellKinds> = z.infer<(typeof cellKinds)[Kind]["schema"]>;

/** A cell as it was read: its value, and the bytes that a compare-and-set has to find again. */
export interface Cell<Value> {
  readonly key: string;
  readonly value: Value | undefined;
  readonly bytes: Uint8Array | undefined;
}

export async function readCell<Value>(space: Space, of: CellKind<Value>, name: string): Promise<Cell<Value>> {
  const key = of.prefix + name;
  const bytes = await space.cell(key);
  return { key, bytes, value: bytes && parseCell(of, bytes) };
}

/** Every cell of a kind whose name starts with `prefix`, with the part of its name that comes after it. */
export async function readCells<Value>(
  space: Space,
  of: CellKind<Value>,
  prefix: string,
): Promise<readonly (Cell<Value> & { readonly name: string; readonly value: Value })[]> {
  const found = await space.cells(of.prefix + prefix);
  return found.map(({ key, value: bytes }) => ({
    key,
    name: key.slice(of.prefix.length + prefix.length),
    value: parseCell(of, bytes),
    bytes,
  }));
}

/** The change from what was read to `value`. */
export function changeCell<Value>(cell: Cell<Value>, value: Value): CellChange {
  return { key: cell.key, from: cell.bytes, to: utf8(JSON.stringify(value)) };
}

export function removeCell({ key, bytes }: Pick<Cell<unknown>, "key" | "bytes">): CellChange {
  return { key, from: bytes, to: undefined };
}

/** No change, but a comparison: a commit with it happens only while the cell is as it was read. */
export function sameCell({ key, bytes }: Pick<Cell<unknown>, "key" | "bytes">): CellChange {
  return { key, from: bytes, to: bytes };
}

/** The change that makes a cell, where there is none yet. */
export function newCell<Value>(of: CellKind<Value>, name: string, value: Value): CellChange {
  return changeCell({ key: of.prefix + name, value: undefined, bytes: undefined }, value);
}

export function parseCell<Value>(of: CellKind<Value>, bytes: Uint8Array): Value {
  const text = fromUtf8(bytes);
  try {
    return of.schema.parse(JSON.parse(text ?? ""));
  } catch (cause) {
    throw new KeysagaError("store_damaged", { found: "cell", kind: of.prefix }, { cause });
  }
}

/** Reads a cell by its key, whichever kind it is. What is not one of ours is an embedder's own. @throws `store_damaged` */
export function checkCell(key: string, bytes: Uint8Array): void {
  const of = Object.values<CellKind<unknown>>(cellKinds).find(({ prefix }) => key.startsWith(prefix));
  if (of !== undefined) parseCell(of, bytes);
}

import * as z from "zod";
import { fromUtf8, KeysagaError, utf8 } from "../../base/index.js";
import { type Address, isAddress } from "../../ibgib/index.js";
import { FrameRow, IdentityRow } from "../../lists/index.js";
import { AttestedHead, FinalTip } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";

const address = z.custom<Address>(isAddress);
const inviteId = z.string().regex(/^[0-9a-f]{32}$/);
const standing = z.strictObject({ tip: address, n: z.number().int().min(0) });

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
   * Sender: the lane to a receiver, its sessions, and the number of its newest frame that the receiver is known to have
   * kept; key: the receiver's identity.
   */
  laneTo: kind(
    "lane-to/",
    z.strictObject({ lane: address, sessions: z.array(address), kept: z.number().int().min(-1) }),
  ),
  /** Sender: which receiver answers at an origin; key: the origin. */
  pin: kind("pin/", z.strictObject({ receiver: address })),
  /** How far an identity of someone else is verified and stored; key: its address. */
  identity: kind("identity/", standing),
  /** Receiver: how far a lane is verified and stored; key: its address. */
  lane: kind(
    "lane/",
    z.strictObject({
      tip: address,
      n: z.number().int().min(0),
      delegator: address,
      sessions: z.array(address),
    }),
  ),
  /** Receiver: what is held in the name of an identity, in canonical bytes; key: its address. */
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
  /** What belongs to a session and is in no frame, so that its proofs can be judged later; key: S's address. */
  session: kind(
    "session/",
    z.strictObject({
      receiverSession: address,
      host: z.strictObject({ key: z.string(), certifiedBy: address, signature: z.string() }),
    }),
  ),
  /** Sender: the newest receipt of a session as it was signed, and its list where that travelled apart. Key: S. */
  receipt: kind("receipt/", z.strictObject({ body: z.string(), entries: z.array(FinalTip).optional() })),
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
          held: z.array(address).min(1),
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
  /** A timeline that is within another one; key: the gibs of the outer one and of it. */
  within: kind("within/", z.strictObject({ timeline: address })),
  /** A timeline without an owner, by who brought it here first; key: the gibs of that identity and of the timeline. */
  founder: kind("founder/", z.strictObject({ timeline: address })),
  /** A frame that a call of this home's own user made here, the last of those it made together; key: its gib. */
  made: kind("made/", z.strictObject({})),
  /** A frame with what proves who made it, and who that was; key: the frame's gib. */
  attested: kind(
    "attested/",
    z.strictObject({ head: AttestedHead, identity: address, lane: address, session: address }),
  ),
  /** How far a keystone's frames are filed as evidence; key: its address. */
  evidence: kind("evidence/", standing),
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

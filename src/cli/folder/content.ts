import { createHash } from "node:crypto";
import type { Address } from "../../index.js";

/** What a file says, as it is read. */
export type Said = SaidText | SaidChunks;

/** UTF-8 that fits into a record. */
export interface SaidText {
  readonly text: string;
}

/** Everything else. */
export interface SaidChunks {
  /** In order, each to be dealt with before the next: a file is never in memory as a whole. The caller checks them against the digest. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The stone that they are recorded under, where they are. */
  readonly root?: Address;
}

/** What a file says: compared by its digest, and read only where it has to be. */
export interface Content {
  /** In hex: SHA-256 of the UTF-8 of a text; of chunks the hash of their root. */
  readonly digest: string;
  readonly bytes: number;
  /** Undefined where it is not there any more as it was. */
  read(): Promise<Said | undefined>;
}

export type Digest = Pick<Content, "digest" | "bytes">;

export function digestOf(text: string): Digest {
  const utf8 = Buffer.from(text);
  return { digest: createHash("sha256").update(utf8).digest("hex"), bytes: utf8.length };
}

/** A text that is in memory. */
export function contentOf(text: string): Content {
  return { ...digestOf(text), read: async () => ({ text }) };
}

/** Undefined for what is no text, and where it is not there any more as it was. */
export async function textOf(content: Content): Promise<string | undefined> {
  const said = await content.read();
  return said && "text" in said ? said.text : undefined;
}

export function isSame(
  one: Pick<Digest, "digest"> | undefined,
  other: Pick<Digest, "digest"> | undefined,
): boolean {
  return one?.digest === other?.digest;
}

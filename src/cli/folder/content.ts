import { createHash } from "node:crypto";

/** What a file says: compared by its digest, and read only where it has to be. */
export interface Content {
  /** SHA-256 of its UTF-8, in hex. */
  readonly digest: string;
  /** The length of its UTF-8. */
  readonly bytes: number;
  /** Undefined where it is not there any more as it was. */
  text(): Promise<string | undefined>;
}

export type Digest = Pick<Content, "digest" | "bytes">;

export function digestOf(text: string): Digest {
  const utf8 = Buffer.from(text);
  return { digest: createHash("sha256").update(utf8).digest("hex"), bytes: utf8.length };
}

/** A content that is in memory. */
export function contentOf(text: string): Content {
  return { ...digestOf(text), text: async () => text };
}

export function isSame(one: Digest | undefined, other: Digest | undefined): boolean {
  return one?.digest === other?.digest;
}

import { createHash } from "node:crypto";

/** Bytes of a chunk; the average is some 64 KiB. The last one of a file may be shorter. */
export const chunkBytes = { min: 32 * 1024, max: 192 * 1024 } as const;

/** A cut is where the highest 15 bits of the hash are zero: on average 32 KiB behind `chunkBytes.min`. */
const cutMask = 0xfffe0000;

/** Bytes that the hash depends on: each shifts those before it out by one bit. */
const windowBytes = 32;

/** A number for each byte, the same everywhere: so the same bytes give the same chunks. */
const gear = Uint32Array.from({ length: 256 }, (_, byte) =>
  createHash("sha256").update(`keysaga chunk ${byte}`).digest().readUInt32BE(),
);

/**
 * Cuts bytes where their content says so (a gear hash, as FastCDC has it), so that what is put in or taken out changes the
 * chunks around it and no other. Holds one chunk and one piece.
 *
 * Source: Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication", 2016.
 *
 * @param pieces Of any length. A chunk may share its memory.
 */
export async function* chunksIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    while (held.length >= chunkBytes.max) {
      const end = cutIn(held);
      yield held.subarray(0, end);
      held = held.subarray(end);
    }
  }
  while (held.length > 0) {
    const end = cutIn(held);
    yield held.subarray(0, end);
    held = held.subarray(end);
  }
}

/** Where the first chunk ends. */
function cutIn(bytes: Uint8Array): number {
  const end = Math.min(bytes.length, chunkBytes.max);
  let hash = 0;
  for (let at = chunkBytes.min - windowBytes; at < end; at++) {
    hash = ((hash << 1) + gear[bytes[at]!]!) | 0;
    if (at >= chunkBytes.min && (hash & cutMask) === 0) return at + 1;
  }
  return end;
}

const signature = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/** A PROXY header of version 2, which says that it has `length` bytes behind its fixed part. */
export function binaryHeader(
  versionAndCommand: number,
  family: number,
  rest: readonly number[],
  length = rest.length,
): Uint8Array {
  return Uint8Array.of(...signature, versionAndCommand, family, length >> 8, length & 255, ...rest);
}

import { createHash } from "node:crypto";

/** Bytes that look like nothing, the same for one seed. */
export function noise(bytes: number, seed = "noise"): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 32) }, (_, at) =>
    createHash("sha256").update(`${seed} ${at}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
}

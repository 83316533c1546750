import { concatBytes, KeysagaError, sha256, utf8 } from "../base/index.js";

/** Crockford's base 32: no I, L, O or U, so that what is read aloud or typed stays what it was. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const secretBytes = 32;
const checksumBytes = 3;
/** 35 bytes are 280 bits, five to a letter, without padding. */
const letterCount = 56;
const label = utf8("keysaga/recovery-secret/1");

/** A recovery secret as a person keeps it: 14 groups of four letters, the last five of which are a checksum. */
export function formatRecoverySecret(secret: Uint8Array): string {
  const letters = toBase32(concatBytes(secret, checksumOf(secret)));
  return (letters.match(/.{4}/g) ?? []).join("-");
}

/**
 * The secret in what a person typed. Case, spaces and dashes do not matter; O is read as 0, I and L as 1.
 *
 * @throws KeysagaError `recovery_secret_mistyped`: a wrong letter is noticed in all but one of 16 million cases.
 */
export function parseRecoverySecret(text: string): Uint8Array {
  const letters = text.toUpperCase().replace(/[\s-]/g, "").replaceAll("O", "0").replace(/[IL]/g, "1");
  const bytes = letters.length === letterCount ? fromBase32(letters) : undefined;
  const secret = bytes?.subarray(0, secretBytes);
  if (!bytes || !secret || !endsWith(bytes, checksumOf(secret)))
    throw new KeysagaError("recovery_secret_mistyped");
  return secret;
}

function checksumOf(secret: Uint8Array): Uint8Array {
  return sha256(label, secret).subarray(0, checksumBytes);
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  return end.every((byte, at) => bytes[bytes.length - end.length + at] === byte);
}

function toBase32(bytes: Uint8Array): string {
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join("");
}

function fromBase32(letters: string): Uint8Array | undefined {
  let bits = "";
  for (const letter of letters) {
    const value = alphabet.indexOf(letter);
    if (value < 0) return undefined;
    bits += value.toString(2).padStart(5, "0");
  }
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (eight) => Number.parseInt(eight, 2));
}

import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from "node:crypto";
import * as z from "zod";
import { fromHex, KeysagaError, toHex, utf8 } from "../base/index.js";
import type { Address } from "../ibgib/index.js";

/** RFC 7914 parameters: 128 MiB and about half a second for every guess. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
/** What a file may ask for: more than twice the work is not one of ours. */
const costMax = { N: 2 ** 18, r: 8, p: 1 } as const;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

/** How the 32 bytes of the device secret lie in identity.json: as they are, or locked with a passphrase. */
export const StoredSecret = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("clear"), secret: hex(32) }),
  z.strictObject({
    kind: z.literal("scrypt-aes-256-gcm"),
    N: z.number().int().min(2).max(costMax.N),
    r: z.number().int().min(1).max(costMax.r),
    p: z.number().int().min(1).max(costMax.p),
    salt: hex(16),
    nonce: hex(12),
    locked: hex(32),
    tag: hex(16),
  }),
]);
export type StoredSecret = z.infer<typeof StoredSecret>;

/**
 * Does a text hold a device secret, locked or not, as identity.json does: under any name, and also amid other text? The
 * order of the fields, spaces and quotes that were escaped once more do not matter.
 */
export function holdsDeviceSecret(text: string): boolean {
  return /"kind\\*"\s*:\s*\\*"(clear|scrypt-aes-256-gcm)\\*"/.test(text) && secretField.test(text);
}
const secretField = /"(secret|locked)\\*"\s*:\s*\\*"[0-9a-f]{64}\\*"/i;

type Locked = Extract<StoredSecret, { kind: "scrypt-aes-256-gcm" }>;

/** The secret for the file of `identity`; without a passphrase it is kept as it is. */
export async function storeSecret(
  secret: Uint8Array,
  identity: Address,
  passphrase: string | undefined,
): Promise<StoredSecret> {
  if (passphrase === undefined) return { kind: "clear", secret: toHex(secret) };
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", await keyOf(passphrase, salt, cost), nonce);
  cipher.setAAD(boundTo(identity));
  const locked = Buffer.concat([cipher.update(secret), cipher.final()]);
  return {
    kind: "scrypt-aes-256-gcm",
    ...cost,
    salt: toHex(salt),
    nonce: toHex(nonce),
    locked: toHex(locked),
    tag: toHex(cipher.getAuthTag()),
  };
}

/**
 * The secret in the file of `identity`.
 *
 * @param passphrase Asked only where the secret is locked.
 * @throws KeysagaError `passphrase_needed` where it is locked and there is nobody to ask, `wrong_passphrase`.
 */
export async function readSecret(
  stored: StoredSecret,
  identity: Address,
  passphrase: (() => Promise<string>) | undefined,
): Promise<Uint8Array> {
  if (stored.kind === "clear") return bytesOf(stored.secret);
  if (passphrase === undefined) throw new KeysagaError("passphrase_needed");
  return unlock(stored, identity, await passphrase());
}

async function unlock(stored: Locked, identity: Address, passphrase: string): Promise<Uint8Array> {
  const key = await keyOf(passphrase, bytesOf(stored.salt), stored);
  const decipher = createDecipheriv("aes-256-gcm", key, bytesOf(stored.nonce));
  decipher.setAAD(boundTo(identity));
  decipher.setAuthTag(bytesOf(stored.tag));
  try {
    return Uint8Array.from(Buffer.concat([decipher.update(bytesOf(stored.locked)), decipher.final()]));
  } catch {
    throw new KeysagaError("wrong_passphrase");
  }
}

/** NFKC: the same passphrase from another keyboard or system gives the same bytes. */
function keyOf(passphrase: string, salt: Uint8Array, { N, r, p }: Required<Pick<Locked, "N" | "r" | "p">>) {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
  return new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase.normalize("NFKC"), salt, 32, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

/** A secret moved into another identity's file does not open there. */
function boundTo(identity: Address): Uint8Array {
  return utf8(`keysaga/device-secret/1 ${identity}`);
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new KeysagaError("home_damaged");
  return bytes;
}

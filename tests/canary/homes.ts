import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, hkdfSha256, utf8 } from "../../src/base/index.js";
import { registerCanary } from "./watch.js";

/** Registers the secrets of a home that another process uses: of its file, as far as that is not locked. */
export function registerHome(dir: string): void {
  const file = fileOf(dir);
  const secret = file?.secret.secret === undefined ? undefined : fromHex(file.secret.secret);
  if (file === undefined || secret === undefined) return;
  registerCanary("device secret", secret);
  hkdfSha256(secret, utf8(file.identity), utf8("keysaga/host-key/1"), 32); // registers what comes out
}

/** What a command was started with: its homes, and what it may have typed. */
export function registerCommand(args: readonly string[], env: Readonly<Record<string, string>>): void {
  const named = args.flatMap((arg, at) => (arg === "--home" ? (args[at + 1] ?? []) : []));
  for (const home of [...named, env["KEYSAGA_HOME"] ?? []].flat()) registerHome(home);
  const passphrase = env["KEYSAGA_PASSPHRASE"];
  if (passphrase !== undefined) registerCanary("passphrase", passphrase);
}

function fileOf(
  dir: string,
): { readonly identity: string; readonly secret: { readonly secret?: string } } | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, "identity.json"), "utf8"));
  } catch {
    return undefined; // none, or one that a test has damaged
  }
}

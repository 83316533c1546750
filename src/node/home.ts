import { chmod, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { KeysagaError, type Random, systemError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { createIdentity, type Identity, openIdentity, systemPlatform } from "../peer/index.js";
import type { Space } from "../space/index.js";
import { openLmdbSpace } from "../space/lmdb-space.js";
import { readSecret, storeSecret } from "./device-secret.js";
import {
  identityFileName,
  isMissing,
  makeDirectoryDurably,
  moveDurably,
  readIdentityFile,
  reasonOf,
  whyOf,
  writeIdentityFile,
} from "./identity-file.js";
import { formatRecoverySecret } from "./recovery-secret.js";

/**
 * A home is a directory: `identity.json`, which holds the device's secret, and `store/`, its space. It is made under
 * `making-PID/` and moved into place, `identity.json` last: a home that has it is whole.
 */
export interface Home {
  readonly dir: string;
  readonly identity: Identity;
  readonly space: Space;
  /** Waits for what is under way in the space, then closes it. Idempotent. */
  close(): Promise<void>;
}

export interface CreateHomeOptions {
  /** Made where it is not there; only its owner may enter it. */
  readonly dir: string;
  /** Locks the device's secret. Without it, the secret is guarded by the file's permissions alone. */
  readonly passphrase?: string | undefined;
  readonly random?: Random;
}

export interface NewHome {
  readonly address: Address;
  /** To be shown to the person once; it is kept nowhere. */
  readonly recoverySecret: string;
}

export interface OpenHomeOptions {
  readonly dir: string;
  /** Asked only where the home is locked. */
  readonly passphrase?: () => Promise<string>;
  /** See `OpenIdentityOptions`: only for a home that is surely no copy, and not put back from a backup. */
  readonly signUnconfirmed?: boolean;
}

/**
 * Makes a home with a new identity; it is durable when this resolves. Where the process dies before, the directory
 * holds no home, and the next call begins anew.
 *
 * @throws KeysagaError `home_exists`, `home_incomplete` (a store without identity.json: nothing is touched),
 *   `home_busy`, `home_unwritable`.
 */
export async function createHome(options: CreateHomeOptions): Promise<NewHome> {
  const { dir } = options;
  try {
    await makeDirectoryDurably(dir, 0o700);
    await clearUnfinished(dir);
    await checkVacant(dir);
    return await makeHome(options);
  } catch (thrown) {
    if (thrown instanceof KeysagaError)
      throw thrown.code === "disk_full"
        ? new KeysagaError("disk_full", { path: dir }, { cause: thrown })
        : thrown;
    const failed = systemError(thrown, dir);
    if (failed?.code === "disk_full") throw failed;
    throw new KeysagaError("home_unwritable", { home: dir, reason: whyOf(thrown) }, { cause: thrown });
  }
}

/**
 * Opens a home. Several processes may have the same one open.
 *
 * @throws KeysagaError `home_missing`, `home_incomplete`, `home_exposed`, `home_damaged`, `passphrase_needed`,
 *   `wrong_passphrase`, and what opening its store throws.
 */
export async function openHome({ dir, passphrase, signUnconfirmed = false }: OpenHomeOptions): Promise<Home> {
  const file = await readIdentityFile(dir);
  if (file === undefined) throw await absent(dir);
  const secret = await readSecret(file.secret, file.identity, passphrase);
  const space = await openStore(dir);
  try {
    const identity = await openIdentity({ space, secret, signUnconfirmed });
    if (identity.address !== file.identity) throw new KeysagaError("home_damaged", { home: dir });
    return { dir, identity, space, close: () => space.close() };
  } catch (thrown) {
    await space.close();
    // identity.json says that there is one: what lies there is not the store that was made with it.
    const isEmptied = thrown instanceof KeysagaError && thrown.code === "no_identity";
    throw isEmptied ? new KeysagaError("store_damaged", { missing: "identity" }) : thrown;
  }
}

/**
 * The store of a home and whose it is, without the device's secret: enough to read and verify, not to sign.
 *
 * @throws KeysagaError as `openHome`, without the passphrase's.
 */
export async function openHomeStore(
  dir: string,
): Promise<{ readonly address: Address; readonly space: Space }> {
  const file = await readIdentityFile(dir);
  if (file === undefined) throw await absent(dir);
  return { address: file.identity, space: await openStore(dir) };
}

/** Whose home it is; nothing is unlocked. @throws KeysagaError as `openHomeStore`. */
export async function homeAddress(dir: string): Promise<Address> {
  const file = await readIdentityFile(dir);
  if (file === undefined) throw await absent(dir);
  return file.identity;
}

async function makeHome({
  dir,
  passphrase,
  random = systemPlatform.random,
}: CreateHomeOptions): Promise<NewHome> {
  const making = join(dir, `${makingPrefix}${process.pid}`);
  const [secret, recoverySecret] = [random.bytes(32), random.bytes(32)];
  await mkdir(making, { mode: 0o700 });
  try {
    const platform = { ...systemPlatform, random };
    const address = await makeStore(join(making, storeName), { secret, recoverySecret, platform });
    const lock = await storeSecret(secret, address, passphrase);
    await writeIdentityFile(join(making, identityFileName), { version: 1, identity: address, secret: lock });
    await moveIntoPlace(making, dir);
    return { address, recoverySecret: formatRecoverySecret(recoverySecret) };
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Makes the store of a new identity, and closes it again. */
async function makeStore(
  path: string,
  options: Omit<Parameters<typeof createIdentity>[0], "space">,
): Promise<Address> {
  await mkdir(path, { mode: 0o700 }); // also where somebody opens the home itself to others, the store stays closed
  const space = await openLmdbSpace({ path });
  try {
    return (await createIdentity({ space, ...options })).address;
  } finally {
    await space.close();
  }
}

async function moveIntoPlace(making: string, dir: string): Promise<void> {
  await chmod(dir, 0o700);
  await moveDurably(join(making, storeName), join(dir, storeName)); // fails where another init was faster
  await moveDurably(join(making, identityFileName), join(dir, identityFileName));
}

/** Removes what an init that died has left. Its recovery secret was never shown, so nobody misses that identity. */
async function clearUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(makingPrefix)) continue;
    if (isAtWork(Number(name.slice(makingPrefix.length)))) throw new KeysagaError("home_busy", { home: dir });
    const making = join(dir, name);
    // Died between the two moves: the store in place belongs to the identity that is still here.
    const storeIsIts =
      (await exists(join(making, identityFileName))) && !(await exists(join(making, storeName)));
    if (storeIsIts) await rm(join(dir, storeName), { recursive: true, force: true });
    await rm(making, { recursive: true, force: true });
  }
}

async function checkVacant(dir: string): Promise<void> {
  if (await exists(join(dir, identityFileName))) throw new KeysagaError("home_exists", { home: dir });
  if (await exists(join(dir, storeName))) throw new KeysagaError("home_incomplete", { home: dir });
}

async function openStore(dir: string): Promise<Space> {
  const path = join(dir, storeName);
  // lmdb would make a new, empty store.
  if (!(await exists(path))) throw new KeysagaError("store_damaged", { missing: path });
  return openLmdbSpace({ path });
}

async function absent(dir: string): Promise<KeysagaError> {
  const code = (await exists(join(dir, storeName))) ? "home_incomplete" : "home_missing";
  return new KeysagaError(code, { home: dir });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw new KeysagaError("home_unwritable", { path, reason: whyOf(error) }, { cause: error });
  }
}

/** Is a process of that number alive, and not this one, which in a container has the number of the one before? */
function isAtWork(pid: number): boolean {
  if (pid === process.pid || !Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return reasonOf(error) === "EPERM";
  }
}

export const storeName = "store";
const makingPrefix = "making-";

/**
 * The process that reads a store for `verifyHome` and `checkHome`, and may crash over it. Writes a line of JSON for
 * each finding.
 */
import { once } from "node:events";
import { type ErrorCode, type Facts, KeysagaError, toKeysagaError } from "../base/index.js";
import { type Verification, verifySpace } from "../peer/index.js";
import { openHomeStore } from "./home.js";

export type ChildTask = "verify" | "open";
export type ChildLine =
  | Verification
  | { readonly kind: "opened" }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly facts: Facts };

async function main(task: string | undefined, dir: string): Promise<void> {
  try {
    if (task === "open") await openOnly(dir);
    else await verify(dir);
  } catch (thrown) {
    const { code, facts } = toKeysagaError(thrown, "store_damaged");
    await say({ kind: "failed", code, facts });
  }
}

async function verify(dir: string): Promise<void> {
  const { space, address } = await openHomeStore(dir);
  for await (const found of verifySpace(space, { owner: address })) await say(found);
  await space.close();
}

/** Opens the store, and reads what every start reads. */
async function openOnly(dir: string): Promise<void> {
  const { space, address } = await openHomeStore(dir);
  const frames = await space.proofs(address);
  await space.close();
  if (frames.length === 0) throw new KeysagaError("store_damaged", { missing: "identity" });
  await say({ kind: "opened" });
}

async function say(line: ChildLine): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, "drain");
}

const [task, dir] = process.argv.slice(2);
if (dir !== undefined) await main(task, dir);

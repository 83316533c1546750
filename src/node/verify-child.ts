/** The process that reads a store for `verifyHome`, and may crash over it. Writes a line of JSON for each finding. */
import { once } from "node:events";
import { type ErrorCode, type Facts, toKeysagaError } from "../base/index.js";
import { type Verification, verifySpace } from "../peer/index.js";
import { openHomeStore } from "./home.js";

export type VerifierLine =
  | Verification
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly facts: Facts };

async function verify(dir: string): Promise<void> {
  try {
    const { space } = await openHomeStore(dir);
    for await (const found of verifySpace(space)) await say(found);
    await space.close();
  } catch (thrown) {
    const { code, facts } = toKeysagaError(thrown, "store_damaged");
    await say({ kind: "failed", code, facts });
  }
}

async function say(line: VerifierLine): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, "drain");
}

const [dir] = process.argv.slice(2);
if (dir !== undefined) await verify(dir);

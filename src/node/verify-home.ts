import { spawn } from "node:child_process";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { errorFromElsewhere, KeysagaError } from "../base/index.js";
import type { Verification } from "../peer/index.js";
import { homeAddress } from "./home.js";
import type { ChildLine, ChildTask } from "./verify-child.js";

/** This module's neighbour, as a source or built. */
const child = fileURLToPath(new URL(`./verify-child${extname(import.meta.url)}`, import.meta.url));

/**
 * Checks a home's whole store (`verifySpace`) in a process of its own: a damaged lmdb file can crash whoever reads
 * it, and no `try` catches that. Needs no passphrase. The home may be in use.
 *
 * @throws KeysagaError `home_missing` and the like before anything is read; `store_crashed` when the store crashed
 *   its reader; `store_failed` or `store_damaged` when it could not be read on.
 */
export async function* verifyHome(dir: string): AsyncGenerator<Verification> {
  for await (const line of readApart("verify", dir)) {
    if (line.kind !== "opened") yield line;
    if (line.kind === "summary") return;
  }
}

/**
 * Opens a home's store in a process of its own, so that one that would crash its reader is an error first. For those
 * who are about to open it for long.
 *
 * @throws KeysagaError as `verifyHome`.
 */
export async function checkHome(dir: string): Promise<void> {
  for await (const line of readApart("open", dir)) if (line.kind === "opened") return;
}

type Finding = Exclude<ChildLine, { kind: "failed" }>;

/** What a process of its own finds; it is ended when nobody asks on. Throws at its end where it ended too early. */
async function* readApart(task: ChildTask, dir: string): AsyncGenerator<Finding> {
  await homeAddress(dir);
  const args = [...process.execArgv, child, task, dir];
  const reader = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<string>((resolve) => {
    reader.once("error", (error) => resolve(error.message));
    reader.once("close", (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  try {
    for await (const text of createInterface({ input: reader.stdout })) {
      // Our own child writes each line with JSON.stringify from this very type.
      const line: ChildLine = JSON.parse(text);
      if (line.kind === "failed") throw errorFromElsewhere(line.code, line.facts);
      yield line;
    }
    throw new KeysagaError("store_crashed", { reader: await ended });
  } finally {
    reader.kill("SIGKILL");
    await ended;
  }
}

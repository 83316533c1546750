/**
 * docs/format.md, held by a reader in another language with none of our code: keysaga_reader.py takes every vector as it
 * has to be taken, and what peers export; and it refuses whatever has one bit flipped.
 */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formatVectors } from "../../scripts/write-vectors.js";
import { canonicalJson, evidenceFor, exportReceipt, exportSession } from "../../src/index.js";
import { createWorld } from "../../src/testing/index.js";
import { temporaryDirectory } from "../cli/directories.js";

const folder = fileURLToPath(new URL("../vectors/format/", import.meta.url));
const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const python = process.env["KEYSAGA_PYTHON"] ?? "python3";
const isThere = canImport("cryptography");
// On a machine without it the test says so; CI installs it, and fails where that did not work.
const isNeeded = isThere || process.env["CI"] === "true";
if (!isNeeded)
  console.warn(
    `no ${python} with its package cryptography: the independent reader does not run (KEYSAGA_PYTHON names another)`,
  );

function canImport(name: string): boolean {
  try {
    execFileSync(python, ["-c", `import ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Runs a program of this folder, to its end. */
function run(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(python, ["-B", ...args]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (printed += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, printed }));
  });
}

test("the vectors are those that npm run docs:vectors writes", async () => {
  const written = readdirSync(folder).map(
    (name) => [name, readFileSync(join(folder, name), "utf8")] as const,
  );
  expect(new Map(written)).toEqual(new Map([...(await formatVectors())].sort()));
});

describe.runIf(isNeeded)("a reader that does what docs/format.md says", () => {
  test("gives the answer that stands beside each vector (K3)", async () => {
    const { code, printed } = await run(program("check_vectors.py"), "vectors", folder);
    expect({ code, printed }).toEqual({ code: 0, printed: expect.stringMatching(/^\d{3} looked at\n$/) });
  });

  /**
   * Of a receipt and a proof more than a bit of each byte; of what is longer a part, each time at other places of a byte.
   */
  test.each([
    ["receipt", "receipt", 7],
    ["receipt", "receipt-alike", 31],
    ["receipt", "receipt-counted", 31],
    ["proof", "proof-by-sender", 7],
    ["proof", "proof-by-receiver", 7],
    ["proof", "proof-counted", 31],
    ["session", "session", 47],
  ])("refuses a %s with a flipped bit: %s.json, every %ith", async (kind, name, step) => {
    const file = join(folder, `${name}.json`);
    const every = process.env["KEYSAGA_FLIP_STEP"] ?? String(step);
    const { code, printed } = await run(program("check_vectors.py"), "flips", kind, file, every);
    expect({ code, printed }).toEqual({ code: 0, printed: expect.stringMatching(/^\d{4,} looked at\n$/) });
  });

  test("takes what peers export: long lists, both sides' changes, several sagas", async () => {
    const dir = await temporaryDirectory();
    const world = await createWorld({ seed: "an independent reader", senders: ["alice", "carol"] });
    const [alice, carol] = world.senders;
    const notes = [];
    for (let at = 0; at < 600; at++) notes.push(await alice.timeline(`note ${at} \u009b é 📝`));
    const [note] = notes;
    await alice.share(note!, carol);
    await alice.sync(notes);
    await carol.sync(note!, { direction: "pull" });
    await carol.edit(note!, { title: "by carol" });
    await carol.sync(note!);
    await alice.edit(note!, { text: "by alice" });
    const { session } = await alice.sender.sync([note!]);
    await alice.edit(note!, { text: "once more" });
    const { saga } = await alice.sender.sync(notes);
    await alice.disconnect();
    const tip = await alice.tip(note!);

    const documents = {
      receipt: await exportReceipt(alice.space, { saga, receiver: world.receiver.address }),
      proof: await evidenceFor(alice.space, [tip.address, ...notes]),
      session: await exportSession(alice.space, session),
    };
    const theirs = await exportSession(world.receiver.space, session);
    await world.close();
    for (const [kind, document] of [...Object.entries(documents), ["session", theirs] as const]) {
      const file = join(dir, `${kind}.json`);
      writeFileSync(file, `${canonicalJson(document)}\n`);
      const { code, printed } = await run(program("keysaga_reader.py"), kind, file);
      expect({ kind, code, printed: code === 0 || printed }).toEqual({ kind, code: 0, printed: true });
    }
    const says = await run(program("keysaga_reader.py"), "session", join(dir, "session.json"));
    expect(JSON.parse(says.printed)).toEqual({
      sender: alice.address,
      receiver: world.receiver.address,
      session,
      turns: theirs.contexts.length,
    });
  });
});

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseRecoverySecret } from "../../src/node/index.js";
import { run } from "./command.js";
import { temporaryDirectory } from "./directories.js";

const identityLine = /^identity {9}(keystone\.identity\^[0-9A-F]{64})$/m;
const secretLine = /^recovery secret {2}((?:[0-9A-Z]{4}-){13}[0-9A-Z]{4})$/m;

test("init prints the address and, once, the recovery secret; id prints the address again", async () => {
  const home = join(await temporaryDirectory(), "new", "home");
  const made = await run(["init", "--no-passphrase", "--home", home]);
  expect(made.code).toBe(0);
  const [, address] = identityLine.exec(made.stdout) ?? [];
  const [, secret] = secretLine.exec(made.stdout) ?? [];
  expect(parseRecoverySecret(secret ?? "")).toHaveLength(32);
  expect(made.stderr).toMatch(/not be shown again/);
  expect(made.stderr).toMatch(/Today nothing can be done with it/);
  expect(made.stderr).not.toContain(secret);
  expect(await readFile(join(home, "identity.json"), "utf8")).not.toContain(secret);

  const [again, byOption, byVariable] = await Promise.all([
    run(["init", "--no-passphrase", "--home", home]),
    run(["id", "--home", home]),
    run(["id"], { KEYSAGA_HOME: home }),
  ]);
  expect(again).toMatchObject({ code: 1, stdout: "" });
  expect(again.stderr).toMatch(/^keysaga: There is an identity in this home already\. .*\n$/);
  expect(byOption).toMatchObject({ code: 0, stdout: `${address}\n`, stderr: "" });
  expect(byVariable).toMatchObject({ code: 0, stdout: `${address}\n` });
});

test("a passphrase comes from KEYSAGA_PASSPHRASE; without it and without a terminal, one line says so", async () => {
  const home = await temporaryDirectory();
  const nobody = await run(["init", "--home", home]);
  expect(nobody).toMatchObject({ code: 2, stdout: "" });
  expect(nobody.stderr).toMatch(/^keysaga: there is no terminal .*KEYSAGA_PASSPHRASE.*--no-passphrase.*\n$/);

  expect(await run(["init", "--home", home], { KEYSAGA_PASSPHRASE: "swordfish" })).toMatchObject({ code: 0 });
  expect(await readFile(join(home, "identity.json"), "utf8")).toContain('"scrypt-aes-256-gcm"');
  const serve = ["serve", "--port", "0", "--home", home];
  const [locked, wrong] = await Promise.all([run(serve), run(serve, { KEYSAGA_PASSPHRASE: "sailfish" })]);
  expect(locked).toMatchObject({ code: 1, stdout: "" });
  expect(locked.stderr).toMatch(
    /^keysaga: This home is locked with a passphrase\. Set KEYSAGA_PASSPHRASE.*\n$/,
  );
  expect(wrong).toMatchObject({ code: 1, stdout: "" });
  expect(wrong.stderr).toMatch(/^keysaga: The passphrase does not open this home\. .*\n$/);
});

test("a home that cannot be written, and one that is not there, are one line each", async () => {
  const file = join(await temporaryDirectory(), "file");
  await writeFile(file, "");
  const [made, absent, below] = await Promise.all([
    run(["init", "--no-passphrase", "--home", file]),
    run(["id", "--home", join(file, "..", "nowhere")]),
    run(["id", "--home", join(file, "below")]),
  ]);
  expect(made.code).toBe(1);
  expect(made.stderr).toMatch(/^keysaga: The home cannot be written\. .*\n$/);
  expect(absent.code).toBe(1);
  expect(absent.stderr).toMatch(
    /^keysaga: There is no identity in this home\. Make one with keysaga init .*\n$/,
  );
  expect(below.code).toBe(1);
  expect(below.stderr).toMatch(/^keysaga: There is no identity in this home\. .*\n$/);
});

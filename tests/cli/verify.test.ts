import { cp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTimeline, mutate } from "../../src/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { run } from "./command.js";
import { temporaryDirectory } from "./directories.js";

/** A home with a timeline of three frames. */
async function homeWithNote() {
  const dir = join(await temporaryDirectory(), "home");
  const { address } = await createHome({ dir });
  const { space, close } = await openHome({ dir });
  const first = createTimeline({ ib: "note", data: { text: "one" }, owner: address, uuid: "1" });
  const second = mutate(first, { text: "two\nlines \u001b[31m" });
  const third = mutate(second, { text: "three" });
  const tips = [{ tjp: first.address, from: undefined, to: third.address }];
  await space.commit({ holder: address, sight: { holders: [] }, puts: [first, second, third], tips });
  await close();
  return { dir, address, first, second, third, data: join(dir, "store", "data.mdb") };
}

test("verify counts what it has checked, and exits with 0", async () => {
  const { dir } = await homeWithNote();
  const [asText, asJson] = await Promise.all([
    run(["verify", "--home", dir]),
    run(["verify", "--home", dir, "--json"]),
  ]);
  expect(asText).toMatchObject({ code: 0, stderr: "" });
  expect(asText.stdout).toMatch(
    /^3 records \(\d+ bytes\), 1 timelines with 3 frames .*\n.*\nall in order\n$/,
  );
  expect(asJson).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    records: 3,
    frames: 3,
    keystones: 1,
    problems: 0,
    found: [],
  });
});

test("verify names a record with a flipped byte, and exits with 1", async () => {
  const { dir, second, data } = await homeWithNote();
  const bytes = await readFile(data);
  let copies = 0; // pages that are no longer in use may hold older ones
  for (let at = bytes.indexOf(second.bytes); at >= 0; at = bytes.indexOf(second.bytes, at + 1)) {
    bytes[at + second.bytes.length - 3]! ^= 1;
    copies++;
  }
  expect(copies).toBeGreaterThan(0);
  await writeFile(data, bytes);
  const [asText, asJson] = await Promise.all([
    run(["verify", "--home", dir]),
    run(["verify", "--home", dir, "--json"]),
  ]);
  expect(asText).toMatchObject({ code: 1 });
  expect(asText.stderr).toContain(`${second.address}: hash (`);
  expect(asText.stdout).toMatch(/\d+ problems?\n$/);
  expect(asJson).toMatchObject({ code: 1, stderr: "" });
  expect(JSON.parse(asJson.stdout).found).toContainEqual(
    expect.objectContaining({ at: second.address, rule: "hash" }),
  );
});

test("verify of a store that is gone, empty, cut off or rubbish is no success, and no crash of its own", async () => {
  const { dir, data } = await homeWithNote();
  const damage: Record<string, (path: string) => Promise<unknown>> = {
    gone: (path) => rm(path, { recursive: true }),
    empty: (path) => truncate(join(path, "data.mdb"), 0),
    cut: (path) => truncate(join(path, "data.mdb"), 8192),
    rubbish: (path) => writeFile(join(path, "data.mdb"), "rubbish ".repeat(10_000)),
  };
  expect(data).toContain(dir);
  await Promise.all(
    Object.entries(damage).map(async ([name, spoil]) => {
      const spoiled = `${dir}-${name}`;
      await cp(dir, spoiled, { recursive: true });
      await spoil(join(spoiled, "store"));
      const { code, signal, stderr } = await run(["verify", "--home", spoiled]);
      expect({ name, code, signal }).toEqual({ name, code: 1, signal: null });
      expect(stderr).not.toBe("");
      expect(stderr).not.toMatch(/^\s+at /m);
    }),
  );
});

test("whatever byte of the file is changed, verify ends in order and says what it found", async () => {
  const { dir, data } = await homeWithNote();
  const whole = await readFile(data);
  const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 3);
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: whole.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, mask) => {
        const spoiled = Buffer.from(whole);
        spoiled[at]! ^= mask;
        await writeFile(data, spoiled);
        const { code, signal, stderr } = await run(["verify", "--home", dir]);
        expect(signal).toBe(null);
        expect([0, 1]).toContain(code);
        expect(stderr === "").toBe(code === 0);
      },
    ),
    { numRuns: rounds },
  );
});

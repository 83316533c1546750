import { join } from "node:path";
import { expect, test } from "vitest";
import { createTimeline, describeError, mutate, sealRecord } from "../../src/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { run } from "./command.js";
import { temporaryDirectory } from "./directories.js";

test("show prints a record, the tip of a timeline, raw bytes by their length, and no escape sequence", async () => {
  const dir = join(await temporaryDirectory(), "home");
  const { address } = await createHome({ dir });
  const { space, close } = await openHome({ dir });
  const first = createTimeline({ ib: "note", data: { text: "one" }, owner: address, uuid: "1" });
  const second = mutate(first, { text: "two\nlines \u001b[31m" });
  const bin = sealRecord({ ib: "bin", data: new Uint8Array([1, 2, 3]) });
  await space.commit({
    holder: address,
    sight: { holders: [] },
    puts: [first, second, bin],
    tips: [{ tjp: first.address, from: undefined, to: second.address }],
    roots: [bin.address],
  });
  await close();
  const show = (...args: string[]) => run(["show", "--home", dir, ...args]);
  const [asText, asJson, one, raw, rawJson, identity, unknown, wrong] = await Promise.all([
    show(first.address),
    show("--json", first.address),
    show(second.address),
    show(bin.address),
    show("--json", bin.address),
    show(address),
    show(`note^${"0".repeat(64)}`),
    show("note"),
  ]);
  expect(asText.stdout).toContain(`${first.address}\ndata\n`);
  expect(asText.stdout).toContain("\n  text: one\n");
  expect(asText.stdout).toContain(`newest frame\n${second.address}\n`);
  expect(one.stdout).toContain("  text:\n    two\n    lines \\u001b[31m\n");
  expect(one.stdout).toContain(`past\n  ${first.address}\n`);
  expect(one.stdout).not.toContain("newest frame");
  const { data, tip } = JSON.parse(asJson.stdout);
  expect([data.text, tip.data.text, tip.rel8ns.past]).toEqual([
    "one",
    "two\nlines \u001b[31m",
    [first.address],
  ]);
  expect(raw.stdout).toBe(`${bin.address}\ndata\n  3 bytes\n`);
  expect(JSON.parse(rawJson.stdout).data).toEqual({ base64: "AQID" });
  expect(identity.stdout).toContain("keystone.identity^");
  expect(unknown).toMatchObject({
    code: 1,
    stdout: "",
    stderr: `keysaga: ${describeError("not_found")}\n`,
  });
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
  expect(wrong.stderr).toMatch(/^keysaga: ADDRESS is .*; see keysaga show --help\n$/);
});

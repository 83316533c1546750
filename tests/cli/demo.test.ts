import { access } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { demo } from "../../src/cli/commands/demo.js";
import { start } from "./command.js";
import { readTree, temporaryDirectory, writeTree } from "./directories.js";
import { runHere } from "./receiver.js";

/** Fails unless the directory that the demo says it works in is gone. */
async function expectGone(stdout: string): Promise<void> {
  const [, dir = "/"] = /^Everything happens in (\S+),/.exec(stdout) ?? [];
  await expect(access(dir)).rejects.toMatchObject({ code: "ENOENT" });
}

describe("keysaga demo", () => {
  test("plays the story, tells every turn, touches nothing and leaves nothing", async () => {
    const source = await temporaryDirectory();
    await writeTree(source, { "a.md": "1\n", "sub/b.md": "2", "c.md": "" });
    const before = await readTree(source);
    const { code, stdout, stderr } = await start(["demo", source]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const turns = ["alice -> receiver | init ", "receiver -> alice | ack ", "bob -> receiver | commit "];
    for (const said of [...turns, "receiver -> bob | receipt "]) expect(stdout).toContain(said);
    expect(stdout).toContain("    keysaga: the receiver has no folder of that address");
    expect(stdout).toMatch(/^ {4}keystone\.identity\^\S+ may read and write folder\^/m);
    expect(stdout).toMatch(/\n4 files, \d+ records moved, 26 signed turns, [\d.]+ s: all three agree\n$/);
    expect(await readTree(source)).toEqual(before);
    await expectGone(stdout);
  });

  test("Ctrl-C in the middle ends it and everything it started, and leaves nothing", async () => {
    const source = await temporaryDirectory();
    await writeTree(source, { "a.md": "1" });
    const { child, ended } = start(["demo", source]);
    child.stdout?.on("data", (text) => String(text).includes("ready at") && child.kill("SIGINT"));
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    expect(stdout).not.toContain("agree");
    const { port } = new URL(/ready at (\S+)/.exec(stdout)?.[1] ?? "");
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
    await expectGone(stdout);
  });

  test("a directory without text is an error that says so", async () => {
    await expect(runHere(demo, await temporaryDirectory())).rejects.toMatchObject({ rule: "no_text" });
  });
});

import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.js";
import { run, start } from "./command.js";

const packageVersion = async () =>
  JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")).version;

describe("help", () => {
  test("keysaga --help lists every command with what it does", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
  });

  test.each(Object.keys(commands))(
    "the help of %s has its four parts, and no line over 120 columns",
    async (name) => {
      const command = await commands[name]?.();
      const lines = command?.help.split("\n") ?? [];
      expect(lines[0]).toMatch(new RegExp(`^Usage: keysaga ${name} \\[options\\]`));
      expect(command?.help).toMatch(/^Options:$/m);
      expect(command?.help).toMatch(/^Examples:$/m);
      expect(command?.help).toMatch(/-h, --help/);
      expect(lines.filter((line) => line.length > 120)).toEqual([]);
    },
  );

  test("a command's --help is that of keysaga help, and --version the package's", async () => {
    const [asOption, asCommand, version] = await Promise.all([
      run(["serve", "--help"]),
      run(["help", "serve"]),
      run(["--version"]),
    ]);
    expect(asOption.stdout).toBe(asCommand.stdout);
    expect(asOption.stdout).toMatch(/--audience ORIGIN …/);
    expect(version.stdout).toBe(`${await packageVersion()}\n`);
  });
});

describe("what cannot be meant is one line and exit 2", () => {
  test.each([
    [["dance"], "keysaga: unknown command 'dance'; see keysaga --help\n"],
    [["__proto__"], "keysaga: unknown command '__proto__'; see keysaga --help\n"],
    [["--dance"], "keysaga: unknown option '--dance'; see keysaga --help\n"],
    [["help", "dance"], "keysaga: unknown command 'dance'; see keysaga --help\n"],
    [["init", "--dance"], "keysaga: unknown option '--dance'; see keysaga init --help\n"],
    [["id", "here"], "keysaga: unexpected argument 'here'; see keysaga id --help\n"],
    [["show"], "keysaga: ADDRESS is missing; see keysaga show --help\n"],
    [["id", "\u001b[31m"], "keysaga: unexpected argument '\\u001b[31m'; see keysaga id --help\n"],
  ])("%j", async (args, line) => {
    expect(await run(args)).toMatchObject({ code: 2, stdout: "", stderr: line });
  });

  test("an option without its value says so in one line", async () => {
    const { code, stderr } = await run(["id", "--home"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^keysaga: option '--home <value>' argument missing; see keysaga id --help\n$/);
  });

  test("KEYSAGA_DEBUG=1 adds the stack", async () => {
    const { stderr } = await run(["id", "here"], { KEYSAGA_DEBUG: "1" });
    expect(stderr).toMatch(/^\s+at \w/m);
  });
});

test("a reader that goes away ends the command quietly", async () => {
  const { child, ended } = start(["--help"]);
  child.stdout?.destroy();
  expect(await ended).toMatchObject({ code: 0, stderr: "" });
});

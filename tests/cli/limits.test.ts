import { expect, test } from "vitest";
import { parseOrigin } from "../../src/cli/audiences.js";
import { limitTable, parseLimits, showLimit } from "../../src/cli/limits.js";

test("a limit is taken back as it is shown, whatever its unit", () => {
  for (const [name, value] of limitTable()) {
    const shown = value.replaceAll(/[ ,]/g, "");
    const taken = parseLimits([`${name}=${shown}`])[name] ?? 0;
    expect(showLimit(name, taken)).toBe(value);
  }
});

test.each([
  ["bytesMax", "--limit takes NAME=VALUE, not 'bytesMax'"],
  ["bytes=1", "there is no limit 'bytes'"],
  ["toString=1", "there is no limit 'toString'"],
  ["bytesMax=many", "--limit bytesMax takes a size"],
  ["bytesMax=1 parsec", "--limit bytesMax takes a size"],
  ["bytesMax=1toString", "--limit bytesMax takes a size"],
  ["bytesMax=0", "from 1 byte on"],
  ["turnsMax=1.5", "--limit turnsMax takes a whole number"],
  ["idleTimeoutMs=25d", "a time up to 24d"],
])("--limit %s is no limit", (given, words) => {
  expect(() => parseLimits([given])).toThrow(words);
});

test("sizes and times have units; the last value of a name counts", () => {
  const given = [
    "bytesMax=1.5MB",
    "keptBytesMax=2KiB",
    "idleTimeoutMs=90s",
    "turnTimeoutMs=250",
    "bytesMax=3",
  ];
  expect(parseLimits(given)).toEqual({
    bytesMax: 3,
    keptBytesMax: 2048,
    idleTimeoutMs: 90_000,
    turnTimeoutMs: 250,
  });
});

test("--origin takes what a browser sends, and nothing more", () => {
  expect(parseOrigin("https://App.example:443/")).toBe("https://app.example");
  for (const text of [
    "wss://app.example",
    "https://app.example/path",
    "https://me@app.example",
    "app.example",
    "*",
  ])
    expect(() => parseOrigin(text)).toThrow("--origin takes");
});

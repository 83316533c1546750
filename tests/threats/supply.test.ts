import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { root } from "../docs/markdown.js";

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
}

const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
  readFileSync(`${root}package.json`, "utf8"),
);
const lock: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(`${root}package-lock.json`, "utf8"),
);
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");

describe("what is installed with this package (threat 28)", () => {
  test("is five packages and an optional one, each at one exact version, and all of it is locked by its hash", () => {
    expect(Object.keys(dependencies)).toEqual(["@noble/curves", "@noble/hashes", "ignore", "ws", "zod"]);
    expect(Object.keys(optionalDependencies)).toEqual(["lmdb"]);
    for (const version of Object.values({ ...dependencies, ...optionalDependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(packages.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))).toEqual([]);
  });

  test("runs no script when it is installed, but for the store's", () => {
    const scripted = packages.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
    expect(scripted.map(([path]) => path).sort()).toEqual([
      "node_modules/lmdb",
      "node_modules/msgpackr-extract",
    ]);
  });

  test("is the same here as with users, to whom overrides do not reach", () => {
    expect(Object.keys(JSON.parse(readFileSync(`${root}package.json`, "utf8")))).not.toContain("overrides");
  });

  test("has a ws without the known faults", () => {
    const [major = 0, minor = 0] = String(lock.packages["node_modules/ws"]?.version).split(".").map(Number);
    expect(major * 1_000 + minor).toBeGreaterThanOrEqual(8_023);
  });
});

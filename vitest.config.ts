import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./tests/longest-first.js";

/** What needs nothing but the processor: no file, socket, process or timer, and no mock of its own. */
const fast = ["base", "ibgib", "keystone", "lists", "merge", "rights", "saga", "traces"].map(
  (folder) => `tests/${folder}/**/*.test.ts`,
);

/** What mocks modules, or looks at all that a process holds, has a process of its own. */
const apart = [
  ...["abuse", "canary", "fuzz", "growth", "kill", "one-time", "teardown", "transport"].map(
    (folder) => `tests/${folder}/**/*.test.ts`,
  ),
  ...readdirSync("tests", { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `tests/${file}`)
    .filter((file) => /\bvi\.(mock|spyOn|stub)/.test(readFileSync(file, "utf8"))),
];

/**
 * Stores of tests lie in memory where there is room for that. What they show is how processes die, not how power fails:
 * the kernel keeps what was written, here as on a disk.
 */
function temporaryFiles(): string {
  const [memory, roomBytes] = ["/dev/shm", 2 ** 30];
  try {
    const { bavail, bsize } = statfsSync(memory);
    return process.env["TMPDIR"] === undefined && bavail * bsize >= roomBytes ? memory : tmpdir();
  } catch {
    return tmpdir(); // there is no such place
  }
}

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source", "node", "module", "import", "default"] } },
  test: {
    setupFiles: ["tests/one-time/watch.ts", "tests/canary/setup.ts"],
    // A test that hangs fails, one that is slow does not.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    env: { TMPDIR: temporaryFiles() },
    projects: [
      { extends: true, test: { name: "fast", include: fast, exclude: apart, isolate: false } },
      {
        extends: true,
        test: {
          name: "peers",
          include: ["tests/**/*.test.ts"],
          exclude: [...fast, ...apart],
          globalSetup: ["tests/programs/build.ts"],
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: "apart", include: apart, globalSetup: ["tests/programs/build.ts"] },
      },
    ],
  },
});

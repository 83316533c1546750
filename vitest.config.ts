import { defineConfig } from "vitest/config";

/** What needs nothing but the processor: no file, socket, process or timer, and no mock of its own. */
const fast = ["base", "ibgib", "keystone", "merge", "rights", "saga", "traces"].map(
  (folder) => `tests/${folder}/**/*.test.ts`,
);

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source", "node", "module", "import", "default"] } },
  test: {
    setupFiles: ["tests/one-time/watch.ts", "tests/canary/setup.ts"],
    // A test that hangs fails, one that is slow does not.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "fast", include: fast, isolate: false } },
      {
        extends: true,
        test: {
          name: "peers",
          include: ["tests/**/*.test.ts"],
          exclude: fast,
          globalSetup: ["tests/programs/build.ts"],
        },
      },
    ],
  },
});

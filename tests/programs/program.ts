import { join } from "node:path";
import { inject } from "vitest";
import type {} from "./build.js";

/** The file that node runs for a source: `src/cli/main.ts`, or a program of a test's own. */
export function programOf(source: string): string {
  return join(inject("programs"), source.replace(/\.ts$/, ".js"));
}

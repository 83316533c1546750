import { createRequire } from "node:module";

/** The package's version: `package.json` stands two folders above this one, in the sources as in the built code. */
export function version(): string {
  const { version } = createRequire(import.meta.url)("../../package.json");
  return String(version);
}

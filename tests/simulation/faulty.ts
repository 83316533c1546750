import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import type * as Simulation from "../../src/testing/simulation/index.js";
import type { KnownFault } from "./faults.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** Inside the package, so that what is imported from others is found. */
const dir = `${root}node_modules/.keysaga-faulty`;
let builds = 0;

/** The simulation over sources with a fault put in. Throws where the text to change is not there exactly once. */
export async function withFault({
  file,
  change,
}: Pick<KnownFault, "file" | "change">): Promise<typeof Simulation> {
  const source = change.reduce(
    (text, [is, becomes]) => {
      const found = text.split(is).length - 1;
      if (found !== 1) throw new Error(`${file} has ${JSON.stringify(is)} ${found} times`);
      return text.replace(is, () => becomes);
    },
    readFileSync(root + file, "utf8"),
  );
  mkdirSync(dir, { recursive: true });
  const outfile = `${dir}/${process.pid}-${builds++}.mjs`;
  await build({
    entryPoints: [`${root}src/testing/simulation/index.ts`],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["source"],
    packages: "external",
    outfile,
    logLevel: "silent",
    plugins: [
      {
        name: "fault",
        setup: ({ onLoad }) => {
          onLoad({ filter: /\.ts$/ }, ({ path }) =>
            path === root + file ? { contents: source, loader: "ts" } : null,
          );
        },
      },
    ],
  });
  try {
    return await import(/* @vite-ignore */ pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}

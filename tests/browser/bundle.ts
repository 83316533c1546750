import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

/**
 * A script of this folder with the built package, resolved as an app's bundler does for browsers: a `node:` import would
 * not be found. `npm test` builds the package first.
 *
 * @returns The script, and what it is made of: how many bytes of it each file is, by its path from the package's root.
 */
export async function bundle(script: string, options: BuildOptions = {}) {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    absWorkingDir: fileURLToPath(new URL("../..", import.meta.url)),
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    tsconfigRaw: {}, // ours would lead to the sources
  });
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const bytesByFile = new Map(parts.map(([file, { bytesInOutput }]) => [file, bytesInOutput]));
  return { text: outputFiles[0]?.text ?? "", bytesByFile };
}

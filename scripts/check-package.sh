#!/usr/bin/env bash
# Packs the package, installs it into an empty project, and uses what it exports: the entry points, the types, the
# command. What is not in the tarball is found here, not by a user.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
mkdir "$work/whole" "$work/small"
cd "$work/whole"
npm init --yes >/dev/null
npm install --no-audit --no-fund ../keysaga-*.tgz >npm.log 2>&1 || { cat npm.log; exit 1; }
if grep -E "npm (error|warn (deprecated|ERESOLVE|EBADENGINE))" npm.log; then exit 1; fi
npm ls --all >/dev/null
cat >use.mjs <<'JS'
import { createIdentity, createReceiver, createSender, createTimeline, InnerSpace } from "keysaga";
import { openLmdbSpace } from "keysaga/node";
import { createWorld } from "keysaga/testing";

const world = await createWorld();
const [alice] = world.senders;
const note = await alice.timeline("note", { data: { text: "hello" } });
const { tips } = await alice.sync(note);
await world.close();
const used = [createIdentity, createReceiver, createSender, createTimeline, InnerSpace, openLmdbSpace];
if (tips.length !== 1 || used.some((each) => typeof each !== "function")) throw new Error("exports are incomplete");
JS
node use.mjs

# A store of one's own, with what is public alone, as strict as a compiler can be, and with nothing else installed.
cp "$root/examples/own-store.ts" store.mts
cat >tsconfig.json <<'JSON'
{
  "compilerOptions": {
    "target": "es2023",
    "lib": ["es2023", "dom"],
    "module": "nodenext",
    "types": [],
    "strict": true,
    "exactOptionalPropertyTypes": true,
    "noUncheckedIndexedAccess": true,
    "noPropertyAccessFromIndexSignature": true,
    "verbatimModuleSyntax": true,
    "outDir": "out"
  },
  "files": ["store.mts"]
}
JSON
"$root/node_modules/.bin/tsc"
node out/store.mjs
npx --no-install keysaga --version

# Without what is optional: nothing of lmdb is there, all else works, and what needs a store on disk says what to install.
cd "$work/small"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --omit=optional ../keysaga-*.tgz
cp ../whole/use.mjs .
cat >absent.mjs <<'JS'
import { openLmdbSpace } from "keysaga/node";
const { code } = await openLmdbSpace({ path: "store" }).catch((thrown) => thrown);
if (code !== "lmdb_missing") throw new Error(`opening a store without lmdb gives ${code}`);
JS
node use.mjs
node absent.mjs
npx --no-install keysaga --version
if ls node_modules | grep -E "^(@?lmdb|@?msgpackr)"; then exit 1; fi
echo "the packed package works"

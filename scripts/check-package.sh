#!/usr/bin/env bash
# Packs the package, installs it into an empty project, and uses what it exports: the entry points, the types, the
# command. What is not in the tarball is found here, not by a user.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ./keysaga-*.tgz
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
echo "the packed package works"

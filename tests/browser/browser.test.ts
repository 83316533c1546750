import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createReceiver } from "../../src/index.js";
import { serve } from "../../src/node/index.js";
import { createWorld } from "../../src/testing/index.js";
import { temporaryDirectory } from "../cli/directories.js";
import { bundle } from "./bundle.js";

const browser = process.env["KEYSAGA_BROWSER"] ?? "/usr/bin/chromium";
const isThere = existsSync(browser);
// On a machine without it the test says so; CI installs it, and fails where that did not work.
const isNeeded = isThere || process.env["CI"] === "true";
if (!isNeeded)
  console.warn(`no browser at ${browser}: the browser test does not run (KEYSAGA_BROWSER names another)`);

/** Serves the page, and resolves `outcome` with what it tells. */
async function servePage(script: string) {
  let told: (outcome: string) => void = () => undefined;
  const outcome = new Promise<string>((resolve) => {
    told = resolve;
  });
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (pathname === "/page.js") {
      response.setHeader("content-type", "text/javascript").end(script);
    } else if (pathname === "/outcome") {
      void text(request).then(told);
      response.end();
    } else {
      response.setHeader("content-type", "text/html");
      response.end('<!doctype html><script type="module" src="/page.js"></script>');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, outcome };
}

async function openPage(url: string): Promise<void> {
  const profile = join(await temporaryDirectory(), "profile");
  const flags = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
  ];
  const child = spawn(browser, [...flags, url], { stdio: "ignore" });
  onTestFinished(async () => {
    const gone = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await gone;
  });
}

test.runIf(isNeeded)("people in a browser sync with a receiver: push, share, pull and merge", async () => {
  const world = await createWorld({ seed: "browser" });
  onTestFinished(() => world.close());
  const { receiver: bob } = world;
  const page = await servePage((await bundle("page.ts")).text);
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    origins: [page.origin],
    receiver: (url) =>
      createReceiver({ identity: bob.identity, audiences: [url], admission: { kind: "open" } }),
  });
  onTestFinished(() => server.close(0));
  await openPage(`${page.origin}/?receiver=${encodeURIComponent(server.url)}`);

  const outcome = JSON.parse(await page.outcome);
  expect(outcome).toMatchObject({ up: 301, down: 301, isSame: true, said: { mine: true, theirs: true } });
  expect(await bob.space.tip(outcome.note)).toEqual(outcome.tip);
});

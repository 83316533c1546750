import { expect, test } from "vitest";
import { sync } from "../../src/cli/commands/sync.js";
import { writeTree } from "./directories.js";
import { freePort } from "../docs/port.js";
import { receiverFor, runHere } from "./receiver.js";

test("sync --retry waits for a receiver that is not there yet, and says so; without it, it gives up at once", async () => {
  const { people, serve } = await receiverFor("alice");
  const [alice] = people;
  await writeTree(alice.dir, { "a.md": "1" });
  const { url, stop } = await serve(String(await freePort()));
  await stop();
  const args = [alice.dir, url, "--home", alice.home];
  await expect(runHere(sync, ...args)).rejects.toMatchObject({ code: "cannot_connect" });
  const patient = runHere(sync, ...args, "--retry");
  const again = await serve(new URL(url).port);
  const { exitCode, stderr } = await patient;
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/to try again: Could not/);
  await again.stop();
});

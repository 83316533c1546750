import { join } from "node:path";
import { expect, test } from "vitest";
import {
  canonicalJson,
  createSender,
  createTimeline,
  evidenceFor,
  exportSession,
  saveRecords,
} from "../../src/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { createWorld } from "../../src/testing/index.js";
import { run } from "./command.js";
import { temporaryDirectory } from "./directories.js";

test("export lists the sessions that are kept, and prints one of them, or the proof of a frame, in normal form", async () => {
  const dir = join(await temporaryDirectory(), "home");
  const { address } = await createHome({ dir });
  const world = await createWorld({ seed: "export" });
  const { dial, audience, receiver } = world;
  const { identity, space, close } = await openHome({ dir });
  const sender = createSender({ identity, dial, audience });
  const note = createTimeline({ ib: "note \u009b2J", data: { text: "one" }, owner: address, uuid: "1" });
  await saveRecords(identity, [note]);
  const { session } = await sender.sync([note.address]);
  await sender.disconnect();
  const [bundle, evidence] = [await exportSession(space, session), await evidenceFor(space, [note.address])];
  await Promise.all([close(), world.close()]);

  const exported = (...args: string[]) => run(["export", "--home", dir, ...args]);
  const [list, ofSession, ofFrame, gone, unproved, wrong] = await Promise.all([
    exported(),
    exported(session),
    exported(note.address),
    exported(`keystone.session^${"0".repeat(64)}`),
    exported(`note^${"0".repeat(64)}`),
    exported("note"),
  ]);
  expect(list.stdout).toMatch(/^keystone\.session\^\w{64} {2}\d+ bytes, /);
  expect(list.stdout).toContain(`${session}  `);
  expect(list.stdout).toContain(`${address} to ${receiver.address}\n`);
  expect(ofSession).toMatchObject({ code: 0, stdout: `${canonicalJson(bundle)}\n` });
  expect(ofFrame).toMatchObject({ code: 0, stdout: `${canonicalJson(evidence)}\n` });
  expect(gone).toMatchObject({ code: 1, stdout: "" });
  expect(gone.stderr).toMatch(/^keysaga: No transcript of that session is kept here/);
  expect(unproved.stderr).toMatch(/^keysaga: Nothing is kept here that proves/);
  expect(wrong).toMatchObject({ code: 2, stdout: "" });
});

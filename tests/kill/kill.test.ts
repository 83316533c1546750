import { join } from "node:path";
import { expect, test } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { createSender, type KeysagaError } from "../../src/index.js";
import { createHome, homeAddress, openHome } from "../../src/node/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { Peer } from "../../src/testing/index.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { type Running, run, start } from "../cli/command.js";
import { readTree, temporaryDirectory, writeTree } from "../cli/directories.js";

/** kill -9 cycles of each side; more by KEYSAGA_KILLS. */
const kills = Number(process.env["KEYSAGA_KILLS"] ?? 5);
const testTimeoutMs = 600_000;
const port = 4_790 + (process.pid % 200);
const url = `ws://127.0.0.1:${port}`;

async function serve(home: string): Promise<Running> {
  const running = start(
    ["serve", "--home", home, "--admit", "open", "--port", String(port)],
    {},
    testTimeoutMs,
  );
  await running.firstLine;
  return running;
}

async function killAfter({ child, ended }: Running, ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill("SIGKILL");
  await ended;
}

async function newHome(dir: string): Promise<string> {
  await createHome({ dir });
  return dir;
}

async function expectWhole(home: string): Promise<void> {
  const { code, stdout, stderr } = await run(["verify", "--home", home]);
  expect({ code, told: stdout + stderr }).toMatchObject({
    code: 0,
    told: expect.stringContaining("all in order"),
  });
}

test(`a receiver that is killed at ${kills} random moments converges with the next sync`, {
  timeout: 600_000,
}, async () => {
  const dir = await temporaryDirectory();
  const atReceiver = await newHome(join(dir, "receiver"));
  const home = await openHome({ dir: await newHome(join(dir, "sender")) });
  const alice = new Peer("alice", home.identity, systemPlatform);
  const { timers } = systemPlatform;
  const sender = createSender({
    identity: home.identity,
    audience: url,
    dial: dialWebSocket(url, { timers }),
  });
  const notes: Address[] = [];
  let interrupted = 0;
  let usualMs = 0;
  for (let cycle = 0; cycle <= kills; cycle++) {
    const receiver = await serve(atReceiver);
    for (let i = 0; i < 10; i++) {
      const note = await alice.timeline(`note ${cycle} ${i}`);
      await alice.edit(note, ...Array.from({ length: 60 }, (_, edit) => ({ edit })));
      notes.push(note);
    }
    const started = Date.now();
    const outcome = sender.sync(notes).then(
      () => "done",
      (error: KeysagaError) => error.code,
    );
    // The first one runs to its end and shows how long one takes here.
    if (cycle === 0) await outcome.finally(() => (usualMs = Date.now() - started));
    await killAfter(receiver, cycle === 0 ? 0 : Math.random() * 4 * usualMs);
    const told = await outcome;
    if (told !== "done") interrupted++;
    expect(["done", "connection_lost", "cannot_connect"]).toContain(told);
    if (told === "done") await expectHeld(atReceiver, alice, notes);
  }
  const receiver = await serve(atReceiver);
  await sender.sync(notes);
  await sender.disconnect();
  receiver.child.kill("SIGTERM");
  expect((await receiver.ended).code).toBe(0);
  await expectHeld(atReceiver, alice, notes);
  await home.close();
  await expectWhole(atReceiver);
  await expectWhole(join(dir, "sender"));
  console.info(`kill -9 of the receiver: ${interrupted} of ${kills} sagas were interrupted`);
});

/** What was acknowledged is there. */
async function expectHeld(receiverHome: string, alice: Peer, notes: readonly Address[]): Promise<void> {
  const { space, close } = await openHome({ dir: receiverHome });
  try {
    for (const note of notes) expect(await space.tip(note)).toEqual(await alice.space.tip(note));
  } finally {
    await close();
  }
}

test(`a sender that is killed at ${kills} random moments converges with the next sync`, {
  timeout: 600_000,
}, async () => {
  const dir = await temporaryDirectory();
  const atReceiver = await newHome(join(dir, "receiver"));
  const atSender = await newHome(join(dir, "sender"));
  const receiver = await serve(atReceiver);
  const folder = join(dir, "folder");
  let interrupted = 0;
  let usualMs = 0;
  for (let cycle = 0; cycle <= kills; cycle++) {
    await writeTree(folder, Object.fromEntries(texts(cycle)));
    const started = Date.now();
    const sync = start(["sync", folder, url, "--home", atSender]);
    if (cycle > 0) await killAfter(sync, usualMs * (0.4 + 0.7 * Math.random()));
    const { signal, code, stderr } = await sync.ended;
    if (cycle === 0) usualMs = Date.now() - started;
    if (signal === "SIGKILL") interrupted++;
    else expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  }
  const { folder: address } = JSON.parse(
    (await run(["sync", folder, url, "--home", atSender, "--json"])).stdout,
  );
  const atThird = await newHome(join(dir, "third"));
  const clone = join(dir, "clone");
  const shared = await run(["share", folder, await homeAddress(atThird), "--home", atSender]);
  expect(shared).toMatchObject({ code: 0 });
  expect(await run(["sync", folder, url, "--home", atSender])).toMatchObject({ code: 0 });
  expect(await run(["clone", url, address, clone, "--home", atThird])).toMatchObject({ code: 0 });
  expect(await readTree(clone)).toEqual(await readTree(folder));
  receiver.child.kill("SIGTERM");
  await receiver.ended;
  for (const home of [atReceiver, atSender, atThird]) await expectWhole(home);
  console.info(`kill -9 of the sender: ${interrupted} of ${kills} were interrupted`);
});

function texts(cycle: number): [string, string][] {
  return Array.from({ length: 30 }, (_, i) => [
    `notes/${i}.md`,
    `note ${i}\n${"line\n".repeat(cycle * 10 + i)}`,
  ]);
}

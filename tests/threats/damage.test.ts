import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { decodeRecord } from "../../src/ibgib/index.js";
import { openLmdbSpace } from "../../src/node/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createSender, openIdentity, systemPlatform } from "../../src/peer/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";
import { codeOf } from "../protocol/lab.js";

const flips = Number(process.env["KEYSAGA_FLIPS"] ?? 25);

async function recordsOf(space: Space): Promise<Map<string, Uint8Array>> {
  const records = new Map<string, Uint8Array>();
  for await (const found of space.scan()) if (found.kind === "record") records.set(found.gib, found.bytes);
  return records;
}

test(`a record with a flipped bit is served to nobody: peers refuse it, or get along without it (${flips} times)`, {
  timeout: 600_000 + 1_000 * flips,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), "keysaga-damage-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const whole = join(dir, "whole");
  const made = [new InnerSpace(), await openLmdbSpace({ path: whole })];
  const world = await createWorld({ space: () => made.shift() ?? new InnerSpace() });
  const [alice] = world.senders as [SenderPeer];
  const note = await alice.timeline("note");
  await alice.link(note, "color", [await alice.stone("color", { data: { name: "red" } })]);
  await alice.edit(note, ...Array.from({ length: 20 }, (_, n) => ({ text: `text ${n}` })));
  const records = await recordsOf(alice.space);
  const secret = internalsOf(alice.identity).secretFor("vouch");
  await world.close();
  const data = await readFile(join(whole, "data.mdb"));

  const outcomes: string[] = [];
  for (let flip = 0; flip < flips; flip++) {
    const path = join(dir, `damaged-${flip}`);
    await cp(whole, path, { recursive: true });
    const [gib, bytes] = [...records][flip % records.size]!;
    await writeFile(join(path, "data.mdb"), flipped(data, bytes));
    const space = await openLmdbSpace({ path });
    // From the same seed, what is a secret there would be a nonce here.
    const receivers = await createWorld({ senders: [], seed: "other receivers" });
    try {
      const identity = await openIdentity({ space, secret });
      const sender = createSender({ identity, dial: receivers.dial, audience: receivers.audience });
      outcomes.push(await codeOf(sender.sync([note])));
      await sender.disconnect();
      for (const [served, copy] of await recordsOf(receivers.receiver.space)) {
        expect(decodeRecord(copy).gib).toBe(served);
        expect(copy).toEqual(records.get(served));
        if (outcomes.at(-1) === "none") expect(served).not.toBe(gib);
      }
    } finally {
      await receivers.close();
      await space.close();
      await rm(path, { recursive: true });
    }
  }
  expect(outcomes.filter((code) => code.startsWith("untyped"))).toEqual([]);
  expect(outcomes.filter((code) => code !== "none").length).toBeGreaterThan(flips / 2);
});

/** Every copy of `bytes` with one bit of it flipped. */
function flipped(data: Buffer, bytes: Uint8Array): Buffer {
  const damaged = Buffer.from(data);
  const [where, bit] = systemPlatform.random.bytes(2);
  const at = (where ?? 0) % bytes.length;
  for (let found = data.indexOf(bytes); found >= 0; found = data.indexOf(bytes, found + 1))
    damaged[found + at]! ^= 1 << ((bit ?? 0) & 7);
  return damaged;
}

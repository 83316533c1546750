import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

const frameRecordsMax = 256;

function payloads(transcript: readonly string[]): readonly number[] {
  return transcript.flatMap((line) => line.match(/payload (\d+) records/)?.[1] ?? []).map(Number);
}

scenario(
  "a timeline of 10,000 frames travels in frames of bounded size (threat 11)",
  async ({ alice, bob, transcript }) => {
    const log = await alice.timeline("log");
    for (let page = 0; page < 10; page++)
      await alice.edit(log, ...Array.from({ length: 1_000 }, (_, i) => ({ entry: page * 1_000 + i })));
    const report = await alice.sync(log);
    expect(report.totals.up.records).toBe(10_001);
    expect(Math.max(...payloads(transcript()))).toBeLessThanOrEqual(frameRecordsMax);
    expect(await bob.space.tip(log)).toEqual(await alice.space.tip(log));
    expect(await bob.space.frameAt(log, 4_711)).toBe(await alice.space.frameAt(log, 4_711));
  },
);

scenario("10,000 records of 500 timelines arrive in one saga", async ({ alice, bob, transcript }) => {
  const roots: Address[] = [];
  for (let i = 0; i < 500; i++) {
    const note = await alice.timeline(`note ${i}`);
    await alice.edit(note, ...Array.from({ length: 19 }, (_, edit) => ({ edit })));
    roots.push(note);
  }
  const folder = await alice.timeline("folder");
  await alice.link(folder, "note", roots);
  const report = await alice.sync(folder);
  expect(report.totals.up.records).toBe(10_002);
  expect(Math.max(...payloads(transcript()))).toBeLessThanOrEqual(frameRecordsMax);
  await expectInStep(alice, bob, [folder]);
});

scenario(
  "a list of roots that is too long for its message travels as payload",
  async ({ alice, bob, carol }) => {
    const roots: Address[] = [];
    const folder = await alice.timeline("folder");
    await alice.share(folder, carol, "read");
    for (let i = 0; i < 700; i++) roots.push(await alice.timeline(`note ${i}`, { within: folder }));
    await alice.link(folder, "note", roots);
    await alice.sync(folder);
    await expectInStep(alice, bob, [folder]);
    await alice.edit(roots[3]!, { edited: true });
    const again = await alice.sync(folder);
    expect(again.totals.up.records).toBe(1);
    const cloned = await carol.sync(folder, { direction: "pull" });
    expect(cloned.totals.down.records).toBe(703);
    await expectInStep(carol, bob, [folder]);
  },
);

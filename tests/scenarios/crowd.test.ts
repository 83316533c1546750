import { expect, test } from "vitest";
import type { IbGib } from "../../src/ibgib/index.js";
import { createWorld } from "../../src/testing/index.js";

/** How many sync at once: in one process, twice as many cost four times, as each takes in what all others have made. */
const size = Number(process.env["KEYSAGA_CROWD"] ?? 40);
/** They all come from one place, and whoever is last waits for all others. */
const limits = {
  newIdentitiesPerAddressPerHour: 2 * size,
  commitWaitMs: 600_000,
  commitHoldMs: 600_000,
  turnTimeoutMs: 600_000,
  handshakeTimeoutMs: 600_000,
};

/** Everybody edits one timeline and syncs at once; the turns that it took, and what came of it. */
async function crowd(count: number) {
  const senders = Array.from({ length: count }, (_, at) => `peer ${at}`);
  const world = await createWorld({ senders, seed: `a crowd of ${count}`, access: "open", limits });
  const { receiver } = world;
  const [owner, ...others] = world.senders;
  const note = await owner!.timeline("note");
  await owner!.sync(note);
  for (const peer of others) await peer.sync(note, { direction: "pull" });
  const edits: IbGib[] = [];
  for (const peer of world.senders) edits.push(await peer.edit(note, { [peer.name]: "was here" }));
  world.transcript();

  await Promise.all(world.senders.map((peer) => peer.sync(note)));
  const turns = world.transcript().filter((line) => !line.includes("payload")).length;
  const graph = await receiver.graph(note);
  const { data } = await receiver.tip(note);
  await world.close();
  return { turns, graph, edits, data };
}

test(`${size} senders who change one timeline at once all get through, in turns that grow as they do`, async () => {
  const few = await crowd(10);
  const many = await crowd(size);
  expect(many.turns / size).toBeLessThanOrEqual((1.1 * few.turns) / 10);
  expect(many.graph).toEqual(expect.arrayContaining(many.edits.map(({ address }) => address)));
  expect(many.graph).toHaveLength(size + 2); // the first frame, the edits, and one merge of all of them
  for (let at = 0; at < size; at++) expect(many.data).toMatchObject({ [`peer ${at}`]: "was here" });
});

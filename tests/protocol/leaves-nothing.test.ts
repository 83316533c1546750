import { describe, expect, test } from "vitest";
import { checkReceipt, exportReceipt } from "../../src/index.js";
import { sessionsKept, transcriptBytesMax, transcriptsBytesMax } from "../../src/peer/home/retention.js";
import type { Space } from "../../src/space/index.js";
import { createWorld } from "../../src/testing/index.js";
import { followedAt } from "../lanes.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { openIdentity, verifySpace } from "../../src/peer/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import { codeOf, contentsOf, expectQuiet, openLab, tapped } from "./lab.js";

async function desk(seed: string) {
  const world = await createWorld({ seed });
  const [alice] = world.senders;
  const note = await alice!.timeline("note");
  await alice!.sync(note);
  return { world, alice: alice!, bob: world.receiver, note };
}

/** All that a space keeps but what follows a lane, and how large that is. */
async function keptBy(space: Space) {
  const { graph, proofs } = await contentsOf(space);
  const isLane = (line: string) => /^cell (lane|lane-to|journal)\//.test(line);
  const lanes = proofs.filter(isLane).map((line) => line.length);
  return { graph, rest: proofs.filter((line) => !isLane(line)), lanes };
}

describe("what changes nothing leaves nothing (K9)", () => {
  test("a connection, at its receiver: the lane's row is as large as it was", async () => {
    const { world, alice, bob } = await desk("connections");
    const connect = async (times: number) => {
      for (let at = 0; at < times; at++) {
        await alice.sender.connect();
        await alice.sender.disconnect();
      }
    };
    await connect(10); // numbers have two digits
    const before = await keptBy(bob.space);
    await connect(40);
    expect(await keptBy(bob.space)).toEqual(before);
    const { lane } = bob.events.findLast(({ kind }) => kind === "connected") as never;
    expect(await followedAt(bob.space, lane)).toMatchObject({ n: 51, unused: [] });
    await world.close();
  });

  test("connections, at their sender: of its lane as many frames stay as a connect may show, or twice that", async () => {
    const { world, alice, bob } = await desk("lane frames");
    const { lane } = bob.events.findLast(({ kind }) => kind === "connected") as never;
    const max = sagaLimits.framesShownMax;
    for (let at = 1; at <= 4 * max; at++) {
      await alice.sender.connect();
      await alice.sender.disconnect();
      const kept = await alice.space.proofs(lane);
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(at, max));
      expect(kept.length).toBeLessThanOrEqual(2 * max + 1);
    }
    for (const { space } of [alice, bob])
      for await (const found of verifySpace(space)) expect(found.kind).not.toBe("problem");
    await world.close();
  });

  test("a saga, on both sides: its receipt is in the report, and nowhere else (K5)", async () => {
    const { world, alice, bob, note } = await desk("sagas");
    await alice.sender.connect();
    const before = [await contentsOf(alice.space), await contentsOf(bob.space)];
    for (let at = 0; at < 5; at++) {
      const { receipt, saga } = await alice.sender.sync([note]);
      expect(checkReceipt(receipt, bob.address)).toMatchObject({ saga, tips: [{ address: note, n: 0 }] });
      expect(await codeOf(exportReceipt(alice.space, { saga, receiver: bob.address }))).toBe("no_receipt");
    }
    expect([await contentsOf(alice.space), await contentsOf(bob.space)]).toEqual(before);
    const { address } = await alice.edit(note, { text: "more" });
    const { receipt, saga } = await alice.sender.sync([note]);
    expect(receipt).toEqual(await exportReceipt(alice.space, { saga, receiver: bob.address }));
    expect((await bob.tip(note)).address).toBe(address);
    // The session's transcript is whole: what was said in between is in it.
    expect((await alice.session()).s).toHaveLength(2 + 2 * 6);
    await world.close();
  });
});

test("a saga whose records another session has brought meanwhile leaves no stage", async () => {
  const meanwhile: (() => Promise<unknown>)[] = [];
  const lab = await openLab("brought meanwhile", {
    around: (space, of) => (of > 0 ? space : overtaken(space, () => meanwhile.pop()?.())),
  });
  const alice = lab.world.senders[0]!;
  const secret = internalsOf(alice.identity).secretFor("vouch");
  const other = { identity: await openIdentity({ space: alice.space, secret, platform: lab.platform }) };
  const [one, two] = [alice, { ...alice, ...other } as typeof alice].map((peer) => tapped(lab, peer).sender);
  await one!.connect();
  await two!.connect();
  const note = await alice.timeline("note");
  const again = await alice.timeline("note");
  const stone = await alice.stone("stone", {});
  for (const root of [note, again, stone]) {
    meanwhile.push(() => two!.sync([root]));
    await one!.sync([root]);
    expect(meanwhile).toEqual([]);
  }
  expect(lab.staged()).toEqual([]);
  await Promise.all([one!.disconnect(), two!.disconnect()]);
  await expectQuiet(lab);
});

/** A space before whose calls to stage something happens. */
function overtaken(space: Space, before: () => Promise<unknown> | undefined): Space {
  return new Proxy(space, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "stage") return value.bind(target);
      return async (...args: Parameters<Space["stage"]>) => {
        await before();
        return target.stage(...args);
      };
    },
  });
}

describe("transcripts are bounded (K8)", () => {
  test("by their number, for each lane", async () => {
    const { world, alice, bob, note } = await desk("numbers");
    for (let at = 0; at < sessionsKept + 3; at++) {
      await alice.edit(note, { at });
      await alice.sync(note);
    }
    for (const { space } of [alice, bob]) expect(await space.cells("session/")).toHaveLength(sessionsKept);
    await world.close();
  });

  test("by their bytes: what a session says beyond is not kept, and its proofs are", async () => {
    const { world, alice, bob, note } = await desk("bytes");
    const rows = async () =>
      (await bob.space.cells("session/")).map(({ value }) => JSON.parse(Buffer.from(value).toString()).bytes);
    for (let session = 0; session < 6; session++) {
      for (let at = 0; at < 45; at++) {
        await alice.edit(note, { session, at });
        await alice.sender.sync([note]);
      }
      await alice.sender.disconnect();
      for (const bytes of await rows()) expect(bytes).toBeLessThanOrEqual(transcriptBytesMax);
    }
    expect(Math.max(...(await rows()))).toBeGreaterThan(transcriptBytesMax * 0.9);
    await alice.sender.connect();
    const sum = (await rows()).reduce((all: number, bytes: number) => all + bytes, 0);
    expect(sum).toBeLessThanOrEqual(transcriptsBytesMax);
    await world.close();
  });
});

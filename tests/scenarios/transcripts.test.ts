import { expect, test } from "vitest";
import { exportSession, isAddress, keptSessions, type Problem, verifySpace } from "../../src/index.js";
import { decodeText, type RecordText } from "../../src/ibgib/index.js";
import { cellKinds, changeCell, readCell, readCells } from "../../src/peer/home/cells.js";
import { sessionsKept } from "../../src/peer/home/retention.js";
import type { CellChange, Space } from "../../src/space/index.js";
import { createWorld } from "../../src/testing/index.js";
import { scenario } from "./scenario.js";

const stagesOf = (contexts: readonly RecordText[]) =>
  contexts.map((text) => {
    const { data } = decodeText([...text]);
    return data && "stage" in data ? data["stage"] : undefined;
  });

scenario(
  "both sides export one session: the same turns, and what vouches for who speaks",
  async ({ alice, bob }) => {
    const notes = await alice.timeline("notes", { data: { text: "hello" } });
    const { session, saga } = await alice.sender.sync([notes]);
    await alice.edit(notes, { text: "more" });
    await alice.sender.sync([notes]);
    await alice.disconnect();
    const [hers, his] = await Promise.all([
      exportSession(alice.space, session),
      exportSession(bob.space, session),
    ]);
    expect(stagesOf(hers.contexts)).toEqual([
      "init",
      "ack",
      "commit",
      "receipt",
      "init",
      "ack",
      "commit",
      "receipt",
    ]);
    expect(hers.receipts.map((receipt) => receipt.saga)[0]).toBe(saga);
    expect(hers.receipts).toHaveLength(2);
    expect(his).toEqual({ ...hers, receipts: [] });
    expect(hers.sender.identity.map(([ib]) => ib)).toEqual(["keystone.identity", "keystone.identity"]);
  },
);

scenario("a session that only pulled is exported by the side that it has changed", async ({ alice, bob }) => {
  const notes = await bob.timeline("notes");
  await bob.share(notes, alice, "read");
  const { session } = await alice.sync(notes, { direction: "pull" });
  const { contexts, receipts } = await exportSession(alice.space, session);
  expect([stagesOf(contexts), receipts.length]).toEqual([["init", "ack", "commit", "receipt"], 1]);
  await expect(exportSession(bob.space, session)).rejects.toMatchObject({ code: "no_transcript" });
});

test("of a lane the newest sessions are kept, and of one that is gone that is said", async () => {
  const world = await createWorld({ seed: "transcripts" });
  const [alice] = world.senders;
  const notes = await alice.timeline("notes");
  const sessions: string[] = [];
  for (let round = 0; round <= sessionsKept + 1; round++) {
    await alice.edit(notes, { round });
    sessions.push((await alice.sync(notes)).session);
  }
  for (const { space } of [alice, world.receiver]) {
    const kept = await keptSessions(space);
    const names = { sender: alice.address, receiver: world.receiver.address };
    expect(kept.at(-1)).toMatchObject({ session: sessions.at(-1), ...names });
    expect(kept.map(({ session }) => session)).toEqual(sessions.slice(-kept.length));
    const [gone] = sessions;
    if (!isAddress(gone)) throw new Error("no session");
    await expect(exportSession(space, gone)).rejects.toMatchObject({ code: "no_transcript" });
  }
  await world.close();
});

test("verify finds a transcript that nothing vouches for", async () => {
  const world = await createWorld({ seed: "transcripts that are damaged" });
  const [alice] = world.senders;
  const [one, two] = [await alice.timeline("one"), await alice.timeline("two")];
  await alice.sync(one);
  const { session } = await alice.sync(two);
  for (const { space, address } of [alice, world.receiver]) {
    const [first, second] = await readCells(space, cellKinds.session, "");
    if (!first || !second) throw new Error("no transcripts");
    const commit = (...cells: CellChange[]) =>
      space.commit({ holder: address, sight: { holders: [] }, cells });
    for (const part of ["voucher", "host"] as const) {
      await commit(changeCell(second, { ...second.value, [part]: first.value[part] }));
      const found = await problemsIn(space);
      expect(found.map(({ at, rule }) => [at, rule])).toEqual([[session, "not_vouched"]]);
      await commit(changeCell(await readCell(space, cellKinds.session, keyOf(second)), second.value));
    }
    expect(await problemsIn(space)).toEqual([]);
  }
  await world.close();
});

const keyOf = ({ key }: { readonly key: string }) => key.slice(cellKinds.session.prefix.length);

async function problemsIn(space: Space): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for await (const found of verifySpace(space)) if (found.kind === "problem") problems.push(found.problem);
  return problems;
}

/** Vectors of whole documents, as peers make them: receipts, proofs of frames, a session. */
import {
  canonicalJson,
  type Address,
  createSender,
  evidenceFor,
  exportReceipt,
  exportSession,
  share,
} from "../../src/index.js";
import { checkAttested, checkReceipt } from "../../src/saga/index.js";
import { createWorld, seededPlatform } from "../../src/testing/index.js";

/** A document in normal form, and what has to come out of it. */
export interface Document {
  readonly name: string;
  readonly text: string;
  readonly says: unknown;
}

/**
 * Alice syncs a note to bob twice in one session, and lets carol write it once, as bob counts. Bob has a note of his own,
 * which alice pulls.
 */
export async function documents(): Promise<readonly Document[]> {
  const clock = { now: () => Date.UTC(2026, 0, 1), elapsed: () => 0 };
  const platform = { ...seededPlatform("docs/format.md"), clock };
  const world = await createWorld({ platform, senders: ["alice", "carol"] });
  const [alice, carol] = world.senders;
  const bob = world.receiver;

  const note = await alice.timeline("note", { data: { text: "hello" } });
  const { session, saga } = await alice.sender.sync([note]);
  const receipt = await exportReceipt(alice.space, { saga, receiver: bob.address });
  const edited = await alice.edit(note, { text: "hello again" });
  const uses = { max: 3, receiver: bob.address };
  await share(alice.identity, { timeline: note, with: carol.address, access: "write", uses }, platform);
  await alice.sender.sync([note]);
  await alice.disconnect();
  await carol.sync(note, { direction: "pull" });
  const carols = await carol.edit(note, { text: "hello from carol" });
  const { saga: counting } = await carol.sync(note);
  const counted = await exportReceipt(carol.space, { saga: counting, receiver: bob.address });

  const folder = await alice.timeline("folder");
  const file = await alice.timeline("file", { within: folder });
  await alice.sync(folder);
  await alice.edit(file, { text: "new" });
  const { identity } = alice;
  const comparing = createSender({ identity, ...bob.listening, platform, limits: { comparedMin: 2 } });
  const { saga: compared } = await comparing.sync([folder]);
  await comparing.disconnect();
  const alike = await exportReceipt(alice.space, { saga: compared, receiver: bob.address });

  const his = await bob.timeline("his note");
  await share(bob.identity, { timeline: his, with: alice.address, access: "read" }, platform);
  await alice.sync(his, { direction: "pull" });

  const proofOf = async (name: string, space: typeof alice.space, frame: Address): Promise<Document> => {
    const evidence = await evidenceFor(space, [frame]);
    return { name, text: canonicalJson(evidence), says: checkAttested(evidence) };
  };
  const bundle = await exportSession(alice.space, session);
  const made = [
    { name: "receipt", text: canonicalJson(receipt), says: checkReceipt(receipt, bob.address) },
    { name: "receipt-alike", text: canonicalJson(alike), says: checkReceipt(alike, bob.address) },
    { name: "receipt-counted", text: canonicalJson(counted), says: checkReceipt(counted, bob.address) },
    await proofOf("proof-by-sender", alice.space, edited.address),
    await proofOf("proof-by-receiver", alice.space, his),
    await proofOf("proof-counted", carol.space, carols.address),
    {
      name: "session",
      text: canonicalJson(bundle),
      says: { sender: alice.address, receiver: bob.address, session, turns: bundle.contexts.length },
    },
  ];
  await world.close();
  return made;
}

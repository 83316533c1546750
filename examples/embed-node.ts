/**
 * A note that its owner shares with two people, one to write and one to read, through a receiver on this machine. Run it from a clone:
 *
 *     npx tsx -C source examples/embed-node.ts
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Address,
  createIdentity,
  createReceiver,
  createSender,
  createTimeline,
  type IbGib,
  type Identity,
  InnerSpace,
  mutate,
  saveRecords,
  share,
} from "keysaga";
import { createHome, openHome, type ReceiverServer, serve } from "keysaga/node";

/** An identity in memory. One that is to last belongs into a home, as the receiver's. */
function newIdentity(): Promise<Identity> {
  return createIdentity({
    space: new InnerSpace(),
    secret: randomBytes(32),
    recoverySecret: randomBytes(32),
  });
}

/** The way of an identity to the receiver. `pin` says who has to answer there. */
function senderTo({ url, receiver }: ReceiverServer, identity: Identity) {
  return createSender({ identity, url, pin: receiver.address });
}

async function tipOf({ space }: Identity, timeline: Address): Promise<IbGib> {
  const tip = await space.tip(timeline);
  const record = tip && (await space.get(tip.address));
  if (!record) throw new Error("the note is not here");
  return record;
}

function textOf({ data }: IbGib): string {
  return JSON.stringify(data instanceof Uint8Array ? undefined : data?.["text"]);
}

/** Appends a frame by this identity to a timeline, and moves its tip: all or nothing, and only if nobody else moved it. */
async function edit(identity: Identity, timeline: Address, text: string): Promise<void> {
  const tip = await tipOf(identity, timeline);
  await saveRecords(identity, [mutate(tip, { text }, { by: identity.address })]);
}

const dir = await mkdtemp(join(tmpdir(), "keysaga-example-"));
await createHome({ dir });
const home = await openHome({ dir });
const [alice, carol, dave] = [await newIdentity(), await newIdentity(), await newIdentity()];
const server = await serve({
  host: "127.0.0.1",
  port: 0,
  receiver: (url) =>
    createReceiver({
      identity: home.identity,
      audiences: [url],
      admission: { kind: "allow-list", identities: [alice, carol, dave].map(({ address }) => address) },
    }),
});

// Alice makes a note, and shares it: with carol to write, with dave to read. The receiver is told with the next sync.
const first = createTimeline({
  ib: "note",
  data: { text: "title\n\nbody\n\nend\n" },
  owner: alice.address,
  uuid: randomUUID(),
});
const note = first.address;
await saveRecords(alice, [first]);
await share(alice, { timeline: note, with: carol.address, access: "write" });
await share(alice, { timeline: note, with: dave.address, access: "read" });
const alices = senderTo(server, alice);
const { totals } = await alices.sync([note]);
console.log(`alice sent ${totals.up.records} records, lists included, in ${totals.up.contexts} signed turns`);

// They know its address, and pull it.
const carols = senderTo(server, carol);
const daves = senderTo(server, dave);
for (const sender of [carols, daves]) await sender.sync([note], { direction: "pull" });

// Alice and carol edit at once. Who syncs second merges.
await edit(alice, note, "title by alice\n\nbody\n\nend\n");
await edit(carol, note, "title\n\nbody\n\nend by carol\n");
for (const sender of [alices, carols, alices]) await sender.sync([note]);
console.log("alice and carol read:", textOf(await tipOf(alice, note)));

// Dave may read and not write. What he changes is not taken, and stays with him; what the others do comes down.
await edit(dave, note, "title\n\nbody by dave\n\nend\n");
const { left } = await daves.sync([note]);
console.log(`dave is told: ${left.map(({ reason }) => reason).join()}`);
console.log("dave reads:", textOf(await tipOf(dave, note)));

await Promise.all([alices, carols, daves].map((sender) => sender.disconnect()));
await server.close();
await home.close();
await rm(dir, { recursive: true });

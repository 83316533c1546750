/**
 * A note that two devices of different people edit, through a receiver on this machine. Run it from a clone:
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
  KeysagaError,
  mutate,
  saveRecords,
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

function textOf({ data }: IbGib): unknown {
  return data instanceof Uint8Array ? undefined : data?.["text"];
}

/** Appends a frame to a timeline, and moves its tip: all or nothing, and only if nobody else moved it. */
async function edit(identity: Identity, timeline: Address, text: string): Promise<void> {
  await saveRecords(identity, [mutate(await tipOf(identity, timeline), { text })]);
}

const dir = await mkdtemp(join(tmpdir(), "keysaga-example-"));
await createHome({ dir });
const home = await openHome({ dir });
const [alice, carol] = [await newIdentity(), await newIdentity()];
const server = await serve({
  host: "127.0.0.1",
  port: 0,
  receiver: (url) =>
    createReceiver({
      identity: home.identity,
      audiences: [url],
      admission: { kind: "allow-list", identities: [alice.address, carol.address] },
    }),
});

// Alice makes a note, and pushes it.
const first = createTimeline({
  ib: "note",
  data: { text: "hello" },
  owner: alice.address,
  uuid: randomUUID(),
});
const note = first.address;
await saveRecords(alice, [first]);
const alices = senderTo(server, alice);
const { totals } = await alices.sync([note]);
console.log(`alice sent ${totals.up.records} record in ${totals.up.contexts} signed turns`);

// Carol, who was told its address, pulls it; alice goes on; carol syncs.
const carols = senderTo(server, carol);
await carols.sync([note], { direction: "pull" });
await edit(alice, note, "hello again");
await alices.sync([note]);
await carols.sync([note]);
console.log("carol reads:", textOf(await tipOf(carol, note)));

// Both edit: there is no merge yet, so the second one is told, and nothing is changed.
await edit(alice, note, "hello from alice");
await edit(carol, note, "hello from carol");
await alices.sync([note]);
const failure = await carols.sync([note]).catch((thrown: unknown) => thrown);
if (failure instanceof KeysagaError) console.log(`carol is told: ${failure.code}`);

await Promise.all([alices.disconnect(), carols.disconnect()]);
await server.close();
await home.close();
await rm(dir, { recursive: true });

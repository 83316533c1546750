/**
 * What a message or an answer says is flushed before: each time one is given that says something durable, what a loss of
 * power would leave at that moment is looked at.
 */
import { expect, test } from "vitest";
import { claimOf as claimedBy } from "../../src/keystone/index.js";
import { cellKinds, readCells } from "../../src/peer/home/cells.js";
import { type Address, decodeText, type IbGib, type RecordText, tjpOf } from "../../src/ibgib/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { createSender, type Identity, openIdentity } from "../../src/peer/index.js";
import type { FinalTip } from "../../src/saga/index.js";
import type { Space } from "../../src/space/index.js";
import {
  createWorld,
  type Passing,
  type SenderPeer,
  seededPlatform,
  tapDial,
} from "../../src/testing/index.js";
import { FlushingStore, spaceOn } from "./flushing-store.js";

const runs = Number(process.env["KEYSAGA_RUNS"] ?? 10);
const sagasPerRun = 4;

/** A flush takes some turns of the event loop; whatever leaves too early has left by then. */
async function latency(): Promise<void> {
  for (let turns = 1 + Math.random() * 4; turns > 0; turns--)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Something that was said to be durable, and how that shows in what has survived. */
interface Claim {
  readonly by: "sender" | "receiver";
  readonly name: string;
  readonly look: (survived: Space) => Promise<void>;
}

function claimOf({ to, message }: Passing, sender: Identity): Claim | undefined {
  if (typeof message !== "string") return undefined;
  const { type, body, proof, identityFrames, session } = JSON.parse(message);
  if (to === "receiver" && type === "connect")
    return {
      by: "sender",
      name: type,
      look: (survived) => goesOnFrom(survived, sender, [proof.lane, ...identityFrames].map(frameOf)),
    };
  if (to === "sender" && type === "ready")
    return { by: "receiver", name: type, look: (survived) => knowsSession(survived, session) };
  if (to === "receiver" || type !== "turn") return undefined;
  const turn = JSON.parse(body);
  if (turn.type !== "receipt") return undefined;
  const { signature } = proof;
  return { by: "receiver", name: turn.type, look: (survived) => hasTaken(survived, turn.entries, signature) };
}

const frameOf = (text: RecordText) => decodeText(text);

/** A process that starts from there signs these very frames again, or has kept them. */
async function goesOnFrom(survived: Space, sender: Identity, frames: readonly IbGib[]): Promise<void> {
  const { secretFor } = internalsOf(sender);
  const opened = await openIdentity({ space: survived, secret: secretFor("vouch") });
  const { signer } = internalsOf(opened);
  for (const frame of frames) {
    const keystone = tjpOf(frame) ?? frame.address;
    const held = await signer.load(keystone, frame.ib === "keystone.lane" ? "lane" : "identity");
    expect((await signer.framesAfter(held, -1)).map(({ address }) => address)).toContain(frame.address);
  }
}

async function knowsSession(survived: Space, session: Address): Promise<void> {
  const rows = await readCells(survived, cellKinds.lane, "");
  const vouchedFor = rows.map(({ value }) => claimedBy(decodeText(value.newest)).target);
  expect(vouchedFor).toContain(session);
}

async function hasTaken(survived: Space, tips: readonly FinalTip[], signature?: string): Promise<void> {
  for (const { address, tip } of tips) {
    expect((await survived.tip(address))?.address).toBe(tip);
    expect(await survived.missing([address], "anyone")).toEqual([]);
  }
  if (signature !== undefined) expect(await hasFrameWith(survived, signature)).toBe(true);
}

/** Is a frame kept that this signs? */
async function hasFrameWith(survived: Space, signature: string): Promise<boolean> {
  for await (const each of survived.scan())
    if (each.kind === "proof" && Buffer.from(each.bytes).includes(signature)) return true;
  return false;
}

/** Runs sagas of one sender, and gives all that was claimed, each with what had survived by then. */
async function claimsOf(tellsEarly: boolean) {
  const stores = { sender: new FlushingStore(latency), receiver: new FlushingStore(latency) };
  if (tellsEarly) for (const store of Object.values(stores)) store.tellsEarly = true;
  const made = [stores.receiver, stores.sender];
  const platform = seededPlatform(String(Math.random()));
  const world = await createWorld({ platform, space: () => spaceOn(made.shift() ?? stores.sender) });
  const [alice] = world.senders as [SenderPeer];
  const { identity } = alice;
  const claims: { name: string; check: () => Promise<void> }[] = [];
  const claim = ({ by, name, look }: Claim) => {
    const survivors = stores[by].survivors();
    claims.push({ name, check: async () => look(await survivors()) });
  };
  const tap = tapDial(world.dial, (passing) => {
    const found = claimOf(passing, identity);
    if (found) claim(found);
    return [passing.message];
  });
  const sender = createSender({ identity, dial: tap.dial, audience: world.audience, platform });
  const note = await alice.timeline("note");
  for (let saga = 0; saga < sagasPerRun; saga++) {
    const { address } = await alice.edit(note, { saga });
    claim({
      by: "sender",
      name: "saved",
      look: async (survived) => expect(await survived.get(address)).toBeDefined(),
    });
    const { tips, saga: id } = await sender.sync([note]);
    claim({
      by: "sender",
      name: "synced",
      look: async (survived) => {
        await hasTaken(survived, tips);
        expect(await survived.cell(`receipt/${id}`)).toBeDefined();
      },
    });
    await sender.disconnect();
  }
  await world.close();
  return claims;
}

test("connect, ready, a receipt and every answer leave after the flush of what they say (K1) (threat 26)", {
  timeout: 600_000 + 5_000 * runs,
}, async () => {
  const said: string[] = [];
  for (let run = 0; run < runs; run++) {
    for (const { name, check } of await claimsOf(false)) {
      await check();
      said.push(name);
    }
  }
  const each = (name: string) => said.filter((other) => other === name).length;
  for (const name of ["connect", "ready", "receipt", "saved", "synced"])
    expect(each(name), name).toBe(runs * sagasPerRun);
});

test("a store that answers before it has flushed is found out by each of them (threat 26)", async () => {
  const found = new Set<string>();
  for (const { name, check } of await claimsOf(true)) {
    await check().catch(() => found.add(name));
  }
  expect([...found].sort()).toEqual(["connect", "ready", "receipt", "saved", "synced"]);
});

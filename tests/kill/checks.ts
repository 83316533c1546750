import { expect } from "vitest";
import { type Address, closure } from "../../src/ibgib/index.js";
import type { Home } from "../../src/node/index.js";
import { verifySpace } from "../../src/peer/index.js";
import type { Ledger } from "./ledger.js";
import type { Role } from "./steps.js";

/** Both homes, open. */
export type Homes = Readonly<Record<Role, Home>>;

/** How a sync may end where the other side dies, talks nonsense, or has too busy a machine; anything else is a fault. */
const endings = [
  "connection_lost",
  "cannot_connect",
  "malformed_message",
  "handshake_timeout",
  "turn_timeout",
];

/** What has to hold after every death. */
export async function checkAcknowledged(ledger: Ledger, { sender, receiver }: Homes): Promise<void> {
  await ledger.checkHeld("sender", sender.space);
  await ledger.checkHeld("receiver", receiver.space);
  await ledger.checkJournals(sender);
  expect(Object.keys(ledger.codes).filter((code) => !endings.includes(code))).toEqual([]);
}

/** And at the end, when both sides have synced once more: they are in step, and every proof of it holds. */
export async function checkInStep(ledger: Ledger, homes: Homes, timeline: Address): Promise<void> {
  const { sender, receiver } = homes;
  expect(await graphOf(sender, timeline)).toEqual(await graphOf(receiver, timeline));
  for (const { space } of [sender, receiver]) {
    await ledger.checkProofs(space);
    for await (const found of verifySpace(space)) if (found.kind === "problem") expect(found).toBe(undefined);
  }
  const lanes = await sender.space.cells("lane-to/");
  const keystones = lanes.map(({ value }) => JSON.parse(Buffer.from(value).toString()).lane);
  await ledger.checkChain(sender.identity.address, receiver.space);
  for (const lane of keystones) await ledger.checkFollowed(lane, receiver.space);
}

async function graphOf({ space }: Home, root: Address): Promise<readonly Address[]> {
  const { present, missing } = await closure([root], space);
  expect(missing).toEqual([]);
  return present.map(({ address }) => address).sort();
}

import { KeysagaError } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import type { Root, SendPlan } from "../../saga/index.js";
import type { Identity } from "../home/identity.js";
import { sentChanges } from "./arrivals.js";

/** How often it is tried anew because another saga with the same receiver kept something meanwhile. */
const triesMax = 32;

/** Keeps that this side's tips of the roots that a plan sends have gone out to `receiver`. */
export async function keepSent(
  { space, address }: Identity,
  receiver: Address,
  plan: SendPlan,
  roots: readonly Root[],
): Promise<void> {
  const going = new Set([...plan.timelines, ...plan.branches].map(({ tjp }) => tjp));
  for (const stone of plan.stones) going.add(stone);
  const tips = roots.flatMap(({ address: root, tip }) => (tip && going.has(root) ? [{ root, tip }] : []));
  for (let tries = 0; tries < triesMax; tries++) {
    const cells = await sentChanges(space, receiver, tips);
    if (cells.length === 0) return;
    const result = await space.commit({ holder: address, sight: { holders: [address] }, cells });
    if (result.kind === "committed") return;
  }
  throw new KeysagaError("store_failed", { reason: "cells kept moving" });
}

import { type Address, type IbGib, tjpOf } from "../../ibgib/index.js";
import type { SenderSagaEffect, SendPlan } from "../../saga/index.js";
import { mayEndAt } from "../branches/part-end.js";
import type { Identity } from "../home/identity.js";
import type { AccessPolicy } from "../rights/standing.js";
import { outgoing } from "../session/outgoing.js";
import { type PartEnds, type PartLimit, partOf } from "../session/part.js";
import type { Along } from "./along.js";
import { judgeTowards } from "./plan-roots.js";

/** Who sends what to whom. */
export interface Towards {
  readonly identity: Identity;
  readonly access: AccessPolicy;
  readonly receiver: Address;
}

/**
 * How far what goes up goes in one saga, where all of it is more than one carries; undefined where it is not. What both
 * sides have changed is brought together as a whole.
 */
export function partUp(
  { identity, access, receiver }: Towards,
  { saga, roots, statuses }: Extract<SenderSagaEffect, { kind: "resolve" }>,
  { plan, along }: { readonly plan: SendPlan; readonly along: Along },
  limit: PartLimit,
): Promise<PartEnds | undefined> {
  const { space } = identity;
  const source = { space, reader: space.view(saga) };
  const departures = outgoing(source, plan, { known: [], lacks: new Set() }, along, {
    pass: () => undefined,
  });
  const together = new Set(
    roots.filter((_, at) => statuses[at]!.status === "diverged").map(({ address }) => address),
  );
  const counts = async (frame: IbGib, first: IbGib) =>
    judgeTowards(identity, receiver, first, access)?.counts(frame, false) ?? true;
  const mayEnd = async (frame: IbGib) =>
    !together.has(tjpOf(frame) ?? frame.address) && (await mayEndAt(identity, frame, counts));
  return partOf(plan, departures, limit, mayEnd);
}

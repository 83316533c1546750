import { randomUUID } from "node:crypto";
import { type Address, type IbGib, mutate, relate, sealRecord } from "../../src/ibgib/index.js";
import { type Identity, saveRecords } from "../../src/peer/index.js";

/** Enough records of this size that each side has to grant credit. */
const large = { records: 6, chars: 120_000 };

/**
 * Two frames more of a timeline, in fields and links that only this identity touches: a number, and a constant in place
 * of the one before, or several large ones.
 *
 * @returns What is saved by then.
 */
export async function edit(identity: Identity, timeline: Address, isLarge: boolean): Promise<Address[]> {
  const { space, address } = identity;
  const tip = await space.tip(timeline);
  const newest = tip && (await space.get(tip.address));
  if (tip === undefined || newest === undefined) throw new Error("the timeline is gone");
  const name = `of-${address.slice(-8)}`;
  const made = Array.from({ length: isLarge ? large.records : 1 }, () =>
    constant(isLarge ? large.chars : 100),
  );
  const first = mutate(newest, { [name]: tip.n }, { by: identity.address });
  const second = relate(
    first,
    {
      add: { [name]: made.map((record) => record.address) },
      remove: { [name]: newest.rel8ns?.[name] ?? [] },
    },
    { by: identity.address },
  );
  await saveRecords(identity, [...made, first, second]);
  return [first.address, second.address];
}

function constant(chars: number): IbGib {
  return sealRecord({ ib: "constant", data: { id: randomUUID(), text: "x".repeat(chars) } });
}

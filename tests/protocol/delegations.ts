/** An act by which an identity itself signs, and nothing else: it delegates a lane that nobody has. */
import type { Address } from "../../src/ibgib/index.js";
import { type Identity, internalsOf } from "../../src/peer/home/identity.js";

/** @param hex Tells the lanes apart: some hex digits. */
export async function delegate(identity: Identity, hex: string): Promise<Address> {
  const lane = `keystone.lane^${hex.toUpperCase().padStart(64, "0")}` as Address;
  await internalsOf(identity).signer.sign(async (view) => {
    const held = await view.load(identity.address, "identity");
    return { requests: [{ held, frame: { verb: "delegate", target: lane } }] };
  });
  return lane;
}

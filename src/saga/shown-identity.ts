import { groupBy, KeysagaError } from "../base/index.js";
import { type Address, type IbGib, nOf, previousOf, tjpOf } from "../ibgib/index.js";
import { checkIdentityFrames, type IdentityState, startIdentity } from "../keystone/index.js";
import { sliceLimits } from "./chain-walk.js";

/*
 * An identity as evidence shows it. Two homes that run from copies make two frames in one place, and so may somebody on
 * purpose. Which of them was seen first says nothing of what either proves: frames that are shown are a tree, and a proof
 * holds by the frames that it rests on.
 */

/** What a checker holds of an identity. */
export interface KnownIdentity {
  /** Of what it delegated and certified, as many as proofs here rest on. */
  readonly state: IdentityState;
  /** Of the frames that are shown: those that are held. */
  readonly held: ReadonlySet<Address>;
  /** The identity at each held frame that one goes on from which is shown and not held. */
  readonly at: ReadonlyMap<Address, IdentityState>;
}

/** What an identity has said: all that a proof asks of it. */
export type Delegations = Pick<IdentityState, "delegated" | "certificates">;

export interface ShownIdentity extends Delegations {
  /** Checked, and not held; each behind the one that it goes on from. */
  readonly fresh: readonly IbGib[];
}

/** The identity frames among records that prove something, by identity, in the order of their numbers. */
export function identityFramesIn(records: readonly IbGib[]): ReadonlyMap<Address, readonly IbGib[]> {
  const frames = records.filter(({ ib }) => ib === "keystone.identity");
  const chains = groupBy(frames, (frame) => tjpOf(frame) ?? frame.address);
  return new Map([...chains].map(([identity, chain]) => [identity, chain.toSorted(byNumber)]));
}

const byNumber = (a: IbGib, b: IbGib) => (nOf(a) ?? -1) - (nOf(b) ?? -1);

/**
 * Checks the frames of one identity that are shown and not held, a slice of a chain in each step. Those that are held cost
 * nothing here, and each of the others what `checkFrame` does.
 *
 * @param shown In the order of their numbers.
 * @throws KeysagaError `proofs_missing` where a frame goes on from one that is neither held nor shown; what `startIdentity`
 *   and `checkFrame` throw.
 */
export function* followShown(
  known: KnownIdentity | undefined,
  shown: readonly IbGib[],
): Generator<undefined, ShownIdentity> {
  const fresh = shown.filter(({ address }) => !known?.held.has(address));
  const states = new Map(known?.at);
  const delegated = new Set(known?.state.delegated);
  const certificates = new Map(known?.state.certificates);
  for (const run of runsOf(fresh)) {
    const past = previousOf(run[0]!);
    let state = past === undefined ? startIdentity(run[0]!) : states.get(past);
    if (!state) throw new KeysagaError("proofs_missing", { rule: "identity not shown" });
    const later = past === undefined ? run.slice(1) : run;
    for (let from = 0; from < later.length; from += sliceLimits.framesMax) {
      state = checkIdentityFrames(state, later.slice(from, from + sliceLimits.framesMax));
      yield;
    }
    states.set(run.at(-1)!.address, state);
    for (const keystone of state.delegated) delegated.add(keystone);
    for (const [certificate, hostKey] of state.certificates) certificates.set(certificate, hostKey);
  }
  return { delegated, certificates, fresh };
}

/** Frames in rows in which each goes on from the one before; where two go on from one, both begin a row. */
function runsOf(frames: readonly IbGib[]): readonly (readonly IbGib[])[] {
  const goingOn = groupBy(frames, previousOf);
  const byNewest = new Map<Address | undefined, IbGib[]>();
  const runs: IbGib[][] = [];
  for (const frame of frames) {
    const past = previousOf(frame);
    const open = goingOn.get(past)?.length === 1 ? byNewest.get(past) : undefined;
    const run = open ?? [];
    if (!open) runs.push(run);
    run.push(frame);
    byNewest.set(frame.address, run);
  }
  return runs;
}

import { KeysagaError, lengthPrefixed, sha256, toHex } from "../../base/index.js";
import { type Address, addressOf, type IbGib, isTjp, nOf, previousOf } from "../../ibgib/index.js";
import { type Claim, claimOf } from "../../keystone/index.js";
import type { CellChange, ProofPut, Space } from "../../space/index.js";
import { cellKinds, changeCell, readCell } from "../home/cells.js";
import type { Signer } from "../home/signer.js";

/** The ib of the groups below. */
export const evidenceIb = "evidence";

/**
 * Where the frames and contexts are filed that attested heads rest on: apart from the keystone's own group, which goes
 * when its session is old enough. A space tells groups apart by their gib, so this one is not the keystone's.
 */
export function evidenceGroup(keystone: Address): Address {
  const hash = sha256(lengthPrefixed("keysaga/evidence-group/1", keystone));
  return addressOf(evidenceIb, toHex(hash).toUpperCase());
}

/** What a commit takes in. Its cells are compared and set: where one of them moved, it is made anew. */
export interface Filing {
  readonly proofs: readonly ProofPut[];
  readonly cells: readonly CellChange[];
}

export function joinFilings(filings: readonly Filing[]): Filing {
  return {
    proofs: filings.flatMap(({ proofs }) => proofs),
    cells: filings.flatMap(({ cells }) => cells),
  };
}

/** A cell that two parts of a commit change, in the same way, is changed once. */
export function changedOnce(cells: readonly CellChange[]): readonly CellChange[] {
  return [...new Map(cells.map((change) => [change.key, change])).values()];
}

/** Files the frames of `keystone` behind number `after`, oldest first, where that is how far they are filed already. */
export async function fileFrames(
  space: Space,
  keystone: Address,
  framesBehind: (after: number) => Promise<readonly IbGib[]> | readonly IbGib[],
): Promise<Filing> {
  const cell = await readCell(space, cellKinds.evidence, keystone);
  const frames = await framesBehind(cell.value?.n ?? -1);
  const [first, newest] = [frames[0], frames.at(-1)];
  if (first === undefined || newest === undefined) return { proofs: [], cells: [] };
  if (previousOf(first) !== cell.value?.tip) throw new KeysagaError("duplicity", { n: nOf(first) });
  const group = evidenceGroup(keystone);
  return {
    proofs: frames.map((record) => ({ group, record })),
    cells: [changeCell(cell, { tip: newest.address, n: nOf(newest) ?? 0 })],
  };
}

/**
 * The same up to the frame that makes `claim`, where that one is not filed already.
 *
 * @throws KeysagaError `duplicity` where neither what is filed nor what is behind it makes the claim.
 */
export async function fileUpTo(
  space: Space,
  keystone: Address,
  claim: Pick<Claim, "verb" | "target">,
  framesBehind: (after: number) => Promise<readonly IbGib[]>,
): Promise<Filing> {
  const upTo = (frames: readonly IbGib[]) =>
    upToClaim(frames, ({ verb, target }) => verb === claim.verb && target === claim.target);
  const filing = await fileFrames(space, keystone, async (after) => upTo(await framesBehind(after)));
  if (filing.proofs.length > 0 || upTo(await space.proofs(evidenceGroup(keystone))).length > 0) return filing;
  throw new KeysagaError("duplicity", { rule: "other frames are filed" });
}

/**
 * The same for a chain that is shown from its genesis, and was replayed.
 *
 * @throws KeysagaError `duplicity` where it is not the chain that is filed.
 */
export async function fileChain(space: Space, keystone: Address, chain: readonly IbGib[]): Promise<Filing> {
  return fileFrames(space, keystone, async (after) => {
    const last = chain.at(-1);
    if (chain.length <= after + 1 && last !== undefined) {
      const filed = await space.proofs(evidenceGroup(keystone));
      if (!filed.some(({ address }) => address === last.address))
        throw new KeysagaError("duplicity", { n: nOf(last) });
    }
    return chain.slice(after + 1);
  });
}

/**
 * The newest frames of an identity or a lane: those behind number `after`, oldest first. A sender's come from its
 * signer, a receiver's from its space.
 */
export type NewestFrames = (
  keystone: Address,
  kind: "identity" | "lane",
  after: number,
) => Promise<readonly IbGib[]>;

/** Of the keystones that sign here. */
export function framesOfSigner(signer: Signer): NewestFrames {
  return async (keystone, kind, after) => signer.framesAfter(await signer.load(keystone, kind), after);
}

/** Of keystones of someone else, as far as they are verified and stored. */
export function framesOfSpace(space: Space): NewestFrames {
  return async (keystone, kind, after) => {
    const { value } = await readCell<{ readonly tip: Address }>(space, cellKinds[kind], keystone);
    return value ? framesUpTo(value.tip, after, (address) => space.proof(address)) : [];
  };
}

/**
 * The frames of a keystone behind number `after` up to `newest`, oldest first, by walking back.
 *
 * @throws KeysagaError `store_failed` where one of them is not kept any more.
 */
export async function framesUpTo(
  newest: Address,
  after: number,
  read: (address: Address) => Promise<IbGib | undefined>,
): Promise<readonly IbGib[]> {
  const frames: IbGib[] = [];
  for (let address: Address | undefined = newest; address !== undefined; ) {
    const frame: IbGib | undefined = await read(address);
    if (frame === undefined) throw new KeysagaError("store_failed", { reason: "a frame was dropped" });
    if ((nOf(frame) ?? 0) <= after) break;
    frames.push(frame);
    address = previousOf(frame);
  }
  return frames.reverse();
}

/** The frames up to the last one whose claim `proves` what is asked; none where there is no such frame. */
export function upToClaim(frames: readonly IbGib[], proves: (claim: Claim) => boolean): readonly IbGib[] {
  return frames.slice(0, 1 + frames.findLastIndex((frame) => !isTjp(frame) && proves(claimOf(frame))));
}

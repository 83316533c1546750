import { KeysagaError } from "../../base/index.js";
import { type Address, decodeText, isTjp, type RecordText, tjpOf, toText } from "../../ibgib/index.js";
import { connectDemand, connectSize, delegationIn, startLane } from "../../keystone/index.js";
import {
  type Accepted,
  type ChallengeDraw,
  type FollowedLane,
  type Open,
  type SenderKnown,
  type Standing,
  sagaLimits,
} from "../../saga/index.js";
import type { CellChange, Charge, Space } from "../../space/index.js";
import { type CellValue, cellKinds, changeCell, readCell, sameCell } from "../home/cells.js";
import { type Claim, releasing } from "../home/claims.js";
import { comparedWith } from "../home/filing.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { checkHeld, checkUnforked, fileIdentity, loadIdentity } from "../home/known-identities.js";
import type { Platform } from "../home/platform.js";
import { dropTranscripts } from "../home/retention.js";

/**
 * What a receiver's store knows of the identity and the lane that `open` names. A few reads, however long their chains are,
 * and two for each frame that is shown: it is done for anybody.
 */
export async function loadKnown(space: Space, { identity, lane, former }: Open): Promise<SenderKnown> {
  const [known, followed, before, claimed] = await Promise.all([
    loadIdentity(space, identity.keystone, [lane.keystone]),
    loadLane(space, lane.keystone),
    former && loadLane(space, former),
    space.proof(identity.tip),
  ]);
  const holdsClaimedTip = claimed !== undefined && !isTjp(claimed) && tjpOf(claimed) === identity.keystone;
  const isFormer = before !== undefined && startLane(before.first).delegator === identity.keystone;
  const newer = await newerThan(space, identity, known?.keystone);
  return { identity: known, lane: followed, isMet: holdsClaimedTip || isFormer, newer };
}

/**
 * What a home that was put back is shown of its own identity: as much as fits, the oldest first. Where there is nothing newer,
 * the newest frame that it has not named: one that it did not make shows that two homes have signed.
 */
async function newerThan(
  space: Space,
  { keystone, n, tip }: Open["identity"],
  known: Pick<Standing, "n" | "tip"> | undefined,
): Promise<SenderKnown["newer"]> {
  const { newerFramesMax, newerCharsMax } = sagaLimits;
  const from = Math.min(n + 1, known?.n ?? 0);
  const isNamed = !known || known.n === 0 || known.tip === tip;
  const frames = isNamed ? [] : await space.proofs(keystone, from, from + newerFramesMax);
  const identityFrames: RecordText[] = [];
  const lanes: RecordText[] = [];
  let chars = 0;
  for (const frame of frames) {
    const said = delegationIn(frame);
    const lane = said && "lane" in said ? await loadLane(space, said.lane) : undefined;
    const texts = [toText(frame), ...(lane ? [toText(lane.first)] : [])];
    chars += JSON.stringify(texts).length;
    if (chars > newerCharsMax) break;
    identityFrames.push(toText(frame));
    if (lane) lanes.push(toText(lane.first));
  }
  return { identityFrames, lanes };
}

async function loadLane(space: Space, address: Address): Promise<FollowedLane | undefined> {
  const { value } = await readCell(space, cellKinds.lane, address);
  if (!value) return undefined;
  return { first: decodeText(value.first), newest: decodeText(value.newest), unused: value.unused };
}

/** The randomness of one challenge. */
export function drawChallenge(identity: Identity, { random, clock }: Platform): ChallengeDraw {
  return {
    nonce: random.bytes(32),
    sessionNonce: random.bytes(32),
    sessionSecret: internalsOf(identity).newSessionSecret(random),
    challengeUuid: random.bytes(16),
    demanded: drawIndexes(random.bytes(connectSize), connectDemand),
    now: clock.now(),
  };
}

/** `count` of the indexes of `draw`, rising: those with the lowest random bytes. */
function drawIndexes(draw: Uint8Array, count: number): readonly number[] {
  const order = [...draw.keys()].sort((a, b) => draw[a]! - draw[b]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

/**
 * Keeps what a connect proved, in one transaction and one flush: new frames of I, and how far L has come. Compare-and-set
 * on where both stood when it was checked.
 *
 * @param entry What lets the identity in: comparisons and changes of the same transaction.
 * @returns Whether it was stored; if not, someone moved I or L, or what lets it in, meanwhile.
 * @throws KeysagaError `duplicity` where the lane was seen to fork, or the identity before it delegated that lane; what
 *   `charge` throws.
 */
export async function storeSession(
  space: Space,
  accepted: Accepted,
  entry: readonly CellChange[],
  charge: Charge & Claim,
): Promise<boolean> {
  const { identity, lane, known, shown } = accepted;
  const { tjp } = identity.keystone;
  const [identityCell, laneCell, fork] = await Promise.all([
    readCell(space, cellKinds.identity, tjp),
    readCell(space, cellKinds.lane, lane.first.address),
    readCell(space, cellKinds.fork, lane.first.gib),
  ]);
  if (fork.value) throw new KeysagaError("duplicity", { n: fork.value.n });
  const unforked = await checkUnforked(space, tjp, lane.first.address);
  const isAsChecked =
    identityCell.value?.tip === known.identity?.keystone.tip && isSameLane(laneCell.value, known.lane);
  if (!isAsChecked) return false;
  await checkHeld(space, shown.heldAsShown);
  const filed = await fileIdentity(space, tjp, shown.fresh, true);
  const old = await dropTranscripts(space, lane.first.address);
  const commit = () =>
    space.commit({
      holder: tjp,
      sight: { holders: [] },
      proofs: filed.proofs,
      cells: comparedWith(
        [
          ...(filed.cells.length > 0 ? filed.cells : [sameCell(identityCell)]),
          changeCell(laneCell, rowOf(lane)),
          sameCell(fork),
          ...old.cells,
          ...entry,
        ],
        [unforked],
      ),
      dropProofGroups: old.dropProofGroups,
      charge,
    });
  const { kind } = await releasing(charge, commit, (result) => result.kind === "committed");
  return kind === "committed";
}

type LaneRow = CellValue<"lane">;

function rowOf({ first, newest, unused }: FollowedLane): LaneRow {
  return { first: toText(first), newest: toText(newest), unused: [...unused] };
}

function isSameLane(row: LaneRow | undefined, known: FollowedLane | undefined): boolean {
  return JSON.stringify(row) === JSON.stringify(known && rowOf(known));
}

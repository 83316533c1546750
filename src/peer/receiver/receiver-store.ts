import { KeysagaError } from "../../base/index.js";
import { type Address, decodeText, toText } from "../../ibgib/index.js";
import { connectDemand, connectSize, readIdentity, startSenderSession } from "../../keystone/index.js";
import type { Accepted, ChallengeDraw, FollowedLane, Open, SenderKnown } from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type CellValue, cellKinds, changeCell, readCell, sameCell } from "../home/cells.js";
import type { Platform } from "../home/platform.js";
import { dropTranscripts } from "../home/retention.js";

/** What a receiver's store knows of the identity and the lane that `open` names. Reads only; bounded. */
export async function loadKnown(space: Space, open: Open): Promise<SenderKnown> {
  const { identity, lane } = open;
  const [frames, known] = await Promise.all([
    space.proofs(identity.keystone),
    loadLane(space, lane.keystone),
  ]);
  const addresses = frames.map(({ address }) => address);
  return {
    identity: readIdentity(frames),
    identityFrames: new Set(addresses),
    lane: known,
    holdsClaimedTip: addresses.indexOf(identity.tip) > 0,
  };
}

async function loadLane(space: Space, address: Address): Promise<FollowedLane | undefined> {
  const { value } = await readCell(space, cellKinds.lane, address);
  if (!value) return undefined;
  return { first: decodeText(value.first), newest: decodeText(value.newest), unused: value.unused };
}

/** The randomness of one challenge. */
export function drawChallenge({ random, clock }: Platform): ChallengeDraw {
  return {
    nonce: random.bytes(32),
    sessionNonce: random.bytes(32),
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
 * @throws KeysagaError `duplicity` where the lane was seen to fork; `auth_fail` for the attest key of another session.
 */
export async function storeSession(
  space: Space,
  accepted: Accepted,
  entry: readonly CellChange[],
): Promise<boolean> {
  const { identity, lane, known, established } = accepted;
  const { tjp, tip, n } = identity.keystone;
  const [identityCell, laneCell, fork] = await Promise.all([
    readCell(space, cellKinds.identity, tjp),
    readCell(space, cellKinds.lane, lane.first.address),
    readCell(space, cellKinds.fork, lane.first.gib),
  ]);
  if (fork.value) throw new KeysagaError("duplicity", { n: fork.value.n });
  const { attestKey } = startSenderSession(established.vouched.session).details;
  const used = await readCell(space, cellKinds.attestKey, `${lane.first.gib}/${attestKey}`);
  if (used.value) throw new KeysagaError("auth_fail", { rule: "an attest key of two sessions" });
  const isAsChecked =
    identityCell.value?.tip === known.identity?.keystone.tip && isSameLane(laneCell.value, known.lane);
  if (!isAsChecked) return false;
  const old = await dropTranscripts(space, lane.first.address);
  const result = await space.commit({
    holder: tjp,
    sight: { holders: [] },
    proofs: accepted.newIdentityFrames.map((record) => ({ group: tjp, record })),
    cells: [
      changeCell(identityCell, { tip, n, met: true }),
      changeCell(laneCell, rowOf(lane)),
      sameCell(fork),
      ...old.cells,
      ...entry,
    ],
    dropProofGroups: old.dropProofGroups,
  });
  return result.kind === "committed";
}

type LaneRow = CellValue<"lane">;

function rowOf({ first, newest, unused }: FollowedLane): LaneRow {
  return { first: toText(first), newest: toText(newest), unused: [...unused] };
}

function isSameLane(row: LaneRow | undefined, known: FollowedLane | undefined): boolean {
  return JSON.stringify(row) === JSON.stringify(known && rowOf(known));
}

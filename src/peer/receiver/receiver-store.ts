import { KeysagaError } from "../../base/index.js";
import { type Address, type IbGib, nOf } from "../../ibgib/index.js";
import {
  connectDemand,
  connectSize,
  type KeystoneState,
  readIdentity,
  resume,
} from "../../keystone/index.js";
import {
  type Accepted,
  type ChallengeDraw,
  type KnownLane,
  type Open,
  type SenderKnown,
  sagaLimits,
} from "../../saga/index.js";
import type { CellChange, Space } from "../../space/index.js";
import { type Cell, cellKinds, changeCell, readCell } from "../home/cells.js";
import type { Platform } from "../home/platform.js";
import { fileSession } from "../home/retention.js";

/** What a receiver's store knows of the identity and the lane that `open` names. Reads only; bounded. */
export async function loadKnown(space: Space, open: Open): Promise<SenderKnown> {
  const { identity, lane } = open;
  const [frames, known] = await Promise.all([
    space.proofs(identity.keystone),
    loadLane(space, lane.keystone, lane.n),
  ]);
  const addresses = frames.map(({ address }) => address);
  return {
    identity: readIdentity(frames),
    identityFrames: new Set(addresses),
    lane: known,
    holdsClaimedTip: addresses.indexOf(identity.tip) > 0,
  };
}

async function loadLane(space: Space, address: Address, claimedN: number): Promise<KnownLane | undefined> {
  const [{ value }, genesis] = await Promise.all([
    readCell(space, cellKinds.lane, address),
    space.proof(address),
  ]);
  if (!value || !genesis) return undefined;
  const newest = await newestFrames(space, value.tip, claimedN);
  const tip = newest.at(-1);
  if (!tip) throw new KeysagaError("store_damaged", { missing: "frame" });
  const keystone = resume(genesis, tip, "lane");
  return { keystone, delegator: value.delegator, newest: newest.map((frame) => frame.address) };
}

/**
 * The frames up to `tip`, oldest first, as far back as a connect may still refer to: to where the sender says its
 * lane stands, because whoever is told of a newer frame than its own goes no further.
 */
async function newestFrames(space: Space, tip: Address, claimedN: number): Promise<readonly IbGib[]> {
  const frames: IbGib[] = [];
  let address: Address | undefined = tip;
  while (address && frames.length < sagaLimits.framesShownMax) {
    const frame: IbGib | undefined = await space.proof(address);
    if (!frame) break;
    frames.unshift(frame);
    if ((nOf(frame) ?? 0) <= claimedN) break;
    address = frame.rel8ns?.["past"]?.[0];
  }
  return frames;
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
 * Keeps what a connect proved, in one transaction and one flush: new frames of I and L, S and R. Compare-and-set on
 * where I and L stood when it was checked.
 *
 * @param entry What lets the identity in: comparisons and changes of the same transaction.
 * @returns Whether it was stored; if not, someone moved I or L, or what lets it in, meanwhile.
 * @throws KeysagaError `auth_fail` when this session was stored before: a lane frame vouches for one session, once.
 */
export async function storeSession(
  space: Space,
  accepted: Accepted,
  entry: readonly CellChange[],
): Promise<boolean> {
  const { identity, lane, established, known } = accepted;
  const [identityCell, laneCell, sessionCell] = await Promise.all([
    readCell(space, cellKinds.identity, identity.keystone.tjp),
    readCell(space, cellKinds.lane, lane.tjp),
    readCell(space, cellKinds.session, established.session),
  ]);
  if (sessionCell.value) throw new KeysagaError("auth_fail", { rule: "session used" });
  const isAsChecked =
    standsAt(identityCell, known.identity?.keystone) && standsAt(laneCell, known.lane?.keystone);
  if (!isAsChecked) return false;
  const filed = await fileSession(space, laneCell.value?.sessions ?? [], established);
  const result = await space.commit({
    holder: identity.keystone.tjp,
    sight: { holders: [] },
    proofs: [
      ...accepted.newIdentityFrames.map((record) => ({ group: identity.keystone.tjp, record })),
      ...accepted.newLaneFrames.map((record) => ({ group: lane.tjp, record })),
      ...established.proofs,
    ],
    cells: [
      changeCell(identityCell, { tip: identity.keystone.tip, n: identity.keystone.n }),
      changeCell(laneCell, {
        tip: lane.tip,
        n: lane.n,
        delegator: identity.keystone.tjp,
        sessions: filed.sessions,
      }),
      ...filed.cells,
      ...entry,
    ],
    dropProofGroups: filed.dropProofGroups,
  });
  return result.kind === "committed";
}

function standsAt(cell: Cell<{ tip: Address }>, state: KeystoneState | undefined): boolean {
  return cell.value?.tip === state?.tip;
}

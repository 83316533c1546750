import { type Facts, KeysagaError } from "../../base/index.js";
import { type Address, decodeText, type IbGib, nOf, previousOf } from "../../ibgib/index.js";
import {
  checkIdentityFrames,
  delegationIn,
  isSignedBy,
  type KeystoneState,
  startLane,
} from "../../keystone/index.js";
import {
  type SenderHandshakeEffect,
  type SenderIntent,
  type Standing,
  sagaLimits,
} from "../../saga/index.js";
import { type Cell, type CellValue, cellKinds, changeCell, readCell, sameCell } from "../home/cells.js";
import { type Identity, internalsOf, ownState } from "../home/identity.js";
import { fileIdentity } from "../home/known-identities.js";
import { type Held, journalKey, type Signer } from "../home/signer.js";

type ReserveConnect = Extract<SenderHandshakeEffect, { kind: "reserveConnect" }>;
type ToReceiver = Cell<CellValue<"laneTo">>;

/** What of the newer frames that were shown is checked and not here yet. */
interface Newer {
  readonly frames: readonly IbGib[];
  /** L0 of lanes to this receiver. */
  readonly lanes: readonly IbGib[];
  /** The lane to this receiver whose keys were used elsewhere. */
  readonly spent: Address | undefined;
}

/**
 * Takes over what the receiver shows of I and L that is newer than what this home holds, as where it was put back from a
 * backup: the frames of I are kept, and a lane whose keys have signed what is not known here is spent, for good. Signs
 * nothing. That a frame of L is real is seen by this home's own keys, so nobody else can have a lane spent, however often.
 *
 * @throws KeysagaError `home_behind` when something was taken over, durably: the next handshake goes on from there.
 *   `receiver_unproved` for what this home's keys have not signed, or what is said to be there and is not shown;
 *   `duplicity` where they have signed it for I, and it does not go on from the frames that are here; `keystone_moved`.
 */
export async function takeNewer(
  identity: Identity,
  lane: Held,
  effect: ReserveConnect,
  limits: SenderIntent["limits"],
): Promise<void> {
  const { address, space } = identity;
  const receiver = effect.receiver.keystone.tjp;
  const [own, to, behind] = await Promise.all([
    internalsOf(identity).signer.load(address, "identity"),
    readCell(space, cellKinds.laneTo, receiver),
    readCell(space, cellKinds.behind, ""),
  ]);
  const newer = await checkNewer(identity, { own, lane, to }, effect, limits);
  if (newer.frames.length === 0 && newer.spent === undefined) return;
  const known = own.newest ? [own.newest] : [];
  const filed = await fileIdentity(space, address, [...known, ...newer.frames]);
  const { kind } = await space.commit({
    holder: address,
    sight: { holders: [address] },
    proofs: [...filed.proofs, ...newer.lanes.map((record) => ({ group: record.address, record }))],
    cells: [
      ...filed.cells,
      changeCell(behind, { times: (behind.value?.times ?? 0) + 1 }),
      sameCell({ key: journalKey(address), bytes: own.journal }),
      ...(newer.spent === undefined ? [sameCell(to)] : [spentCell(to, newer.spent)]),
    ],
  });
  if (kind !== "committed") throw new KeysagaError("keystone_moved");
  throw new KeysagaError("home_behind", factsOf(receiver, newer));
}

const spentCell = (to: ToReceiver, lane: Address) =>
  changeCell(to, { lane, kept: to.value?.kept ?? -1, spent: true });

function factsOf(receiver: Address, { frames, spent }: Newer): Facts {
  return { receiver, frames: frames.length, lane: spent === undefined ? "kept" : "spent" };
}

async function checkNewer(
  identity: Identity,
  { own, lane, to }: { readonly own: Held; readonly lane: Held; readonly to: ToReceiver },
  { theirIdentity, theirLane, newer, receiver }: ReserveConnect,
  { chainFramesMax }: SenderIntent["limits"],
): Promise<Newer> {
  const { secretFor, signer } = internalsOf(identity);
  const isOurs = (state: KeystoneState, frame: IbGib) => isSignedBy(state, frame, secretFor);
  const shown = (newer?.identityFrames ?? []).map(decodeText);
  const frames = shown.filter((frame) => (nOf(frame) ?? 0) > own.state.n);
  if (!frames.every((frame) => isOurs(own.state, frame))) throw unproved("identity");
  if (frames.length === 0 && (await isOther(signer, own, theirIdentity, chainFramesMax))) {
    const fork = shown.find((frame) => isAt(theirIdentity, frame));
    if (fork && isOurs(own.state, fork)) throw new KeysagaError("duplicity", { n: nOf(fork) ?? 0 });
    throw unproved("identity");
  }
  await checkIdentity(identity, own.state, frames);
  const lanes = lanesAmong(frames, (newer?.lanes ?? []).map(decodeText), {
    delegator: identity.address,
    receiver: receiver.keystone.tjp,
  });
  if (!(await isOther(signer, lane, theirLane, sagaLimits.framesShownMax)))
    return { frames, lanes, spent: to.value ? undefined : lanes[0]?.address };
  const frame = newer?.laneFrame && decodeText(newer.laneFrame);
  if (!frame || !isAt(theirLane, frame) || !isOurs(lane.state, frame)) throw unproved("lane");
  return { frames, lanes, spent: lane.state.tjp };
}

/** A frame that our keys have signed, and that does not go on from ours, is a fork. */
async function checkIdentity(
  identity: Identity,
  { tip, n }: KeystoneState,
  frames: readonly IbGib[],
): Promise<void> {
  const [first] = frames;
  if (!first) return;
  if (previousOf(first) !== tip) throw new KeysagaError("duplicity", { n });
  checkIdentityFrames(await ownState(identity), frames);
}

/** Those of the lanes shown that the frames delegate: of any other it is not known that the identity has made it. */
function lanesAmong(
  frames: readonly IbGib[],
  shown: readonly IbGib[],
  names: { readonly delegator: Address; readonly receiver: Address },
): readonly IbGib[] {
  const delegated = new Set(frames.flatMap((frame) => Object.values(delegationIn(frame) ?? {})));
  const lanes = shown.filter(({ address }) => delegated.has(address));
  for (const first of lanes) startLane(first, names);
  return lanes;
}

/**
 * Is the frame that the receiver says it holds none of ours? Looked at as far back as frames are shown at all: a
 * receiver that lacks more is shown none.
 */
async function isOther(
  signer: Signer,
  mine: Held,
  theirs: Standing | undefined,
  shownMax: number,
): Promise<boolean> {
  if (!theirs || mine.state.n - theirs.n >= shownMax) return false;
  const [ours] = await signer.framesAfter(mine, theirs.n - 1);
  return ours?.address !== theirs.tip;
}

/** By number as well: an old frame of the lane is signed, too. */
function isAt(theirs: Standing | undefined, frame: IbGib): boolean {
  return theirs?.tip === frame.address && theirs.n === nOf(frame);
}

function unproved(rule: string): KeysagaError {
  return new KeysagaError("receiver_unproved", { rule: `newer frames of the ${rule}` });
}

import { KeysagaError, limitExceeded } from "../../base/index.js";
import { type Address, type IbGib, nOf } from "../../ibgib/index.js";
import { attestKeyOf, foundLane, signVoucher, startLane } from "../../keystone/index.js";
import {
  type SenderHandshakeEffect,
  type SenderIntent,
  type SenderStanding,
  type Standing,
  sagaLimits,
  standingOf,
  type Voucher,
} from "../../saga/index.js";
import type { CellChange } from "../../space/index.js";
import { type Cell, type CellValue, cellKinds, changeCell, readCell, removeCell } from "../home/cells.js";
import { type Identity, internalsOf } from "../home/identity.js";
import { checkHeld, fileIdentity, loadIdentity } from "../home/known-identities.js";
import type { Platform } from "../home/platform.js";
import { dropTranscripts } from "../home/retention.js";
import type { Held, SignerView, SignPlan, SignRequest } from "../home/signer.js";
import { shownAgain } from "../rights/proof-parts.js";
import { forgetLists } from "./arrivals.js";
import { takeNewer } from "./take-newer.js";

/** A lane to a receiver: one that is in use, or a fresh genesis that counts once it is delegated. */
export interface LaneChoice {
  readonly address: Address;
  readonly founding: IbGib | undefined;
  /** The spent one before, by which the receiver knows us. */
  readonly former?: Address | undefined;
}

/** What a sender's store knows for a handshake with `receiver`, with the randomness that `open` needs. */
export async function loadSenderStanding(
  identity: Identity,
  receiver: Address,
  platform: Platform,
): Promise<{ standing: SenderStanding; lane: LaneChoice }> {
  const { space, address } = identity;
  const { signer, newSessionSecret } = internalsOf(identity);
  const lane = await chooseLane(identity, receiver, platform);
  const [own, held, known] = await Promise.all([
    signer.load(address, "identity"),
    holdLane(signer, lane),
    loadIdentity(space, receiver),
  ]);
  const standing: SenderStanding = {
    identity: standingOf(own.state),
    lane: standingOf(held.state),
    former: lane.former,
    receiver: known,
    nonce: platform.random.bytes(32),
    sessionNonce: platform.random.bytes(32),
    sessionSecret: newSessionSecret(platform.random),
  };
  return { standing, lane };
}

async function chooseLane(identity: Identity, receiver: Address, platform: Platform): Promise<LaneChoice> {
  const cell = await readCell(identity.space, cellKinds.laneTo, receiver);
  if (cell.value && !cell.value.spent) return { address: cell.value.lane, founding: undefined };
  const names = { delegator: identity.address, receiver };
  const { foundings, secretFor } = internalsOf(identity);
  const founding = foundings.get(receiver) ?? foundLane(platform.random.bytes(32), names, secretFor);
  keepFounding(foundings, receiver, founding);
  return { address: founding.address, founding, former: cell.value?.lane };
}

/** First meetings under way. Whoever answers with ever new identities, and proves none, takes no more than this. */
const foundingsMax = 64;

function keepFounding(foundings: Map<Address, IbGib>, receiver: Address, founding: IbGib): void {
  foundings.set(receiver, founding);
  const [oldest] = foundings.keys();
  if (foundings.size > foundingsMax && oldest !== undefined) foundings.delete(oldest);
}

async function holdLane(signer: SignerView, { address, founding }: LaneChoice): Promise<Held> {
  return founding ? signer.found(founding, "lane") : signer.load(address, "lane");
}

/** What `connect` shows: durable before any of it is signed. */
export interface ReservedConnect {
  readonly identityFrames: readonly IbGib[];
  readonly laneFrames: readonly IbGib[];
  readonly vouching: IbGib;
  readonly lane: IbGib;
  readonly voucher: Voucher;
}

type ReserveConnect = Extract<SenderHandshakeEffect, { kind: "reserveConnect" }>;

/**
 * Signs the lane frame that vouches for a session; where the lane is new, the frame of I that delegates it as well.
 * With them, in the same transaction, what was verified of the receiver and its pin are kept.
 *
 * What the receiver says it holds of I and L is compared with the journal as it is at that moment, before anything is
 * signed: a receiver that knows more has met us since this home's data was current, and shows it (`takeNewer`). One that was
 * met before and knows the identity's newest frame, and so nothing newer, is what has the identity sign where others ask for
 * that.
 *
 * @throws KeysagaError what `takeNewer` throws; `restored_backup`, `tip_unconfirmed`; `keystone_moved` when another process has met
 *   the receiver with a lane of its own; `lane_replaced` when more frames of the lane never arrived
 *   than one connect may show; `limit_exceeded` when the receiver lacks more frames of the identity than may be shown.
 */
export async function reserveConnect(
  identity: Identity,
  lane: LaneChoice,
  effect: ReserveConnect,
  { audience, limits }: Pick<SenderIntent, "audience" | "limits">,
): Promise<ReservedConnect> {
  const { address } = identity;
  const { signer, confirmation, foundings } = internalsOf(identity);
  let shown: ShownFrames | undefined;
  const receiver = effect.receiver.keystone.tjp;
  await checkHeld(identity.space, effect.heldAsShown);
  await takeNewer(identity, await holdLane(signer, lane), effect, limits);
  const [vouching, delegating] = await signer.sign(async (view) => {
    const [to, pin, theirs] = await Promise.all([
      readCell(identity.space, cellKinds.laneTo, receiver),
      pinChange(identity, receiver, audience),
      fileIdentity(identity.space, receiver, effect.receiverFrames),
    ]);
    const now = laneNow(lane, to);
    const isMet = to.value !== undefined;
    // What other processes move is read last: the sooner the commit, the less often they come before it.
    const [own, held] = await Promise.all([view.load(address, "identity"), holdLane(view, now)]);
    shown = await framesToShow(view, identity, { own, held }, effect, limits);
    if (isMet && effect.theirIdentity) confirmation.hear(receiver);
    if (isMet && effect.theirIdentity?.tip === own.state.tip) confirmation.give(receiver);
    const vouch: SignRequest = {
      held,
      frame: { verb: "vouch", target: effect.session, scope: receiver },
    };
    const delegate: SignRequest = { held: own, frame: { verb: "delegate", target: lane.address } };
    const old = await dropTranscripts(identity.space, lane.address);
    const trimmed = await trimLane(view, identity, held);
    return {
      requests: now.founding ? [vouch, delegate] : [vouch],
      dropProofGroups: [...old.dropProofGroups, ...trimmed.dropProofGroups],
      proofs: [...theirs.proofs, ...trimmed.proofs],
      cells: [
        ...(now.founding ? [changeCell(to, { lane: lane.address, kept: -1 })] : []),
        ...(await forgetIfBehind(identity, effect, to.value?.kept ?? -1)),
        ...pin,
        ...theirs.cells,
        ...old.cells,
      ],
    };
  });
  foundings.delete(receiver);
  if (!shown || !vouching) throw new KeysagaError("internal", { what: "nothing was signed" });
  const { identityFrames, laneFrames } = shown;
  return {
    identityFrames: [...identityFrames, ...(delegating ? [delegating] : [])],
    laneFrames,
    vouching,
    ...(await vouchFor(identity, lane.address, vouching, effect)),
  };
}

/**
 * What goes of a lane now and then: a receiver that lacks more of its frames than a connect may show is shown none of them
 * (`replaceLane`), so that those before them are of no more use. Between once and twice as many stay, with the genesis.
 */
async function trimLane(
  view: SignerView,
  { space }: Identity,
  held: Held,
): Promise<Required<Pick<SignPlan, "proofs" | "dropProofGroups">>> {
  const { n, tjp } = held.state;
  const max = sagaLimits.framesShownMax;
  if (n <= max || n % max !== 0) return { proofs: [], dropProofGroups: [] };
  const genesis = await space.proof(tjp);
  if (!genesis) throw new KeysagaError("store_damaged", { missing: "genesis" });
  const frames = [genesis, ...(await view.framesAfter(held, n - max))];
  return { proofs: frames.map((record) => ({ group: tjp, record })), dropProofGroups: [tjp] };
}

type ShownFrames = Pick<ReservedConnect, "identityFrames" | "laneFrames">;

/** The lane's word for the session, for those who do not follow the lane: it goes with a frame that is durable. */
async function vouchFor(
  identity: Identity,
  address: Address,
  vouching: IbGib,
  { session, receiver }: ReserveConnect,
): Promise<Pick<ReservedConnect, "lane" | "voucher">> {
  const lane = await identity.space.proof(address);
  if (!lane) throw new KeysagaError("store_damaged", { missing: "genesis" });
  const n = nOf(vouching) ?? 0;
  const key = attestKeyOf(startLane(lane).keystone, internalsOf(identity).secretFor);
  const named = { lane: address, n, session, receiver: receiver.keystone.tjp };
  return { lane, voucher: { session, n, signature: signVoucher(named, key) } };
}

/** The frames of I and L that the receiver lacks, as far as they are signed already. */
async function framesToShow(
  view: SignerView,
  identity: Identity,
  { own, held }: { own: Held; held: Held },
  { theirIdentity, theirLane, receiver }: ReserveConnect,
  { chainFramesMax }: SenderIntent["limits"],
): Promise<ShownFrames> {
  // One place each is for the frames that are about to be signed.
  if (held.state.n - (theirLane?.n ?? -1) > sagaLimits.framesShownMax - 1)
    await replaceLane(identity, receiver.keystone.tjp);
  if (own.state.n - (theirIdentity?.n ?? -1) > chainFramesMax - 1)
    throw limitExceeded("chainFramesMax", chainFramesMax);
  const [identityFrames, laneFrames] = await Promise.all([
    lackingFrames(view, own, theirIdentity),
    lackingFrames(view, held, theirLane),
  ]);
  return { identityFrames, laneFrames };
}

/** What comes after the frame that the receiver says it holds. @throws KeysagaError `keystone_moved` where it is none of ours. */
async function lackingFrames(
  view: SignerView,
  mine: Held,
  theirs: Standing | undefined,
): Promise<readonly IbGib[]> {
  if (!theirs) return view.framesAfter(mine, -1);
  const [ours, ...lacking] = await view.framesAfter(mine, theirs.n - 1);
  if (ours?.address !== theirs.tip) throw new KeysagaError("keystone_moved");
  return lacking;
}

/**
 * The lane as it is by now: another connection of this process that met the receiver first has kept it. A process
 * that met it with a lane of its own is the one that counts: this handshake ends, and the next one finds that.
 */
function laneNow(lane: LaneChoice, { value }: Cell<CellValue<"laneTo">>): LaneChoice {
  if (!value) return lane;
  if (value.spent && lane.founding && value.lane !== lane.address) return lane;
  if (value.spent || value.lane !== lane.address) throw new KeysagaError("keystone_moved");
  return { address: lane.address, founding: undefined };
}

/** The pin is kept with the first reservation; a later one finds it as it is. */
async function pinChange(
  { space }: Identity,
  receiver: Address,
  origin: string,
): Promise<readonly CellChange[]> {
  const pin = await readCell(space, cellKinds.pin, origin);
  return pin.value?.receiver === receiver ? [] : [changeCell(pin, { receiver })];
}

/** A receiver that lacks a frame which it had kept was put back to an older state: it may lack lists as well. */
async function forgetIfBehind(
  { space }: Identity,
  { receiver, theirLane, lane }: ReserveConnect,
  kept: number,
): Promise<readonly CellChange[]> {
  if ((theirLane?.n ?? -1) >= kept) return [];
  return [...(await forgetLists(space, receiver.keystone.tjp)), ...(await shownAgain(space, lane))];
}

/** A lane whose frames do not arrive any more would keep this device out for ever: the next connection gets another. */
async function replaceLane({ space, address }: Identity, receiver: Address): Promise<never> {
  const cell = await readCell(space, cellKinds.laneTo, receiver);
  const again = cell.value ? await shownAgain(space, cell.value.lane) : [];
  const cells = [removeCell(cell), ...again, ...(await forgetLists(space, receiver))];
  await space.commit({ holder: address, sight: { holders: [address] }, cells });
  throw new KeysagaError("lane_replaced");
}

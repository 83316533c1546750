import { KeysagaError } from "../../base/index.js";
import {
  type Address,
  decodeText,
  gibOf,
  type IbGib,
  nOf,
  parseAddress,
  previousOf,
  type RecordText,
  toText,
} from "../../ibgib/index.js";
import {
  claimOf,
  startLane,
  startReceiverSession,
  startReplay,
  startSenderSession,
} from "../../keystone/index.js";
import type { HostVoucher, Receipt, Voucher } from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { type CellValue, cellKinds, readCell, readCells } from "../home/cells.js";
import { delegatedCell } from "../home/known-identities.js";
import { framesOf } from "./verify-keystones.js";

/**
 * The transcript of a session with all that it takes to check it, turn by turn, without either side's store: plain JSON
 * without secrets, whose form is laid down in docs/format.md. Records of the saga are named in it and not part of it.
 */
export interface SessionBundle {
  readonly version: 1;
  readonly sender: {
    /** Frames of its identity, from the genesis to the one that delegates the lane. */
    readonly identity: readonly RecordText[];
    /** L0. */
    readonly lane: RecordText;
    /** L0's word for S0. */
    readonly voucher: Omit<Voucher, "session">;
    /** Of S, from its genesis. */
    readonly frames: readonly RecordText[];
  };
  readonly receiver: {
    /** Frames of its identity, from the genesis to the one that certifies the host key. */
    readonly identity: readonly RecordText[];
    /** The host key's word for R0. */
    readonly host: HostVoucher["host"];
    /** Of R, from its genesis. */
    readonly frames: readonly RecordText[];
  };
  /** Of all turns, in their order. */
  readonly contexts: readonly RecordText[];
  /** Of its sagas, in their order, as far as this home keeps them: a receiver keeps none. */
  readonly receipts: readonly Receipt[];
}

/** A session whose transcript is kept. */
export interface KeptSession {
  readonly session: Address;
  /** The identities of both sides. */
  readonly sender: Address;
  readonly receiver: Address;
  /** Of its transcript. */
  readonly bytes: number;
}

/** Sessions that `exportSession` can export, the oldest of each lane first. */
export async function keptSessions(space: Space): Promise<readonly KeptSession[]> {
  const rows = await readCells(space, cellKinds.session, "");
  return Promise.all(
    rows.map(async ({ value: { session, receiverSession, bytes } }) => {
      const { sender, receiver } = startReceiverSession(await proof(space, receiverSession)).details;
      return { session, sender, receiver, bytes };
    }),
  );
}

/**
 * The transcript of a session as this space keeps it. It may end before the session did: turns beyond its limit, and those
 * of sagas that have changed nothing, are not kept.
 *
 * @param session S0: `SyncReport.session`.
 * @throws KeysagaError `no_transcript` where none is kept of it, as of one that newer ones have taken the place of.
 */
export async function exportSession(space: Space, session: Address): Promise<SessionBundle> {
  const { n, row } = await sessionRow(space, session);
  const { voucher: signature, host, receiverSession } = row;
  const [ofSender, ofReceiver] = await Promise.all([space.proofs(session), space.proofs(receiverSession)]);
  const [s, r] = [framesOf(ofSender), framesOf(ofReceiver)];
  if (!s[0] || !r[0]) throw damaged();
  const lane = await laneOf(space, startSenderSession(s[0]).details.lane);
  const contexts = turnsOf(s, r, [...ofSender, ...ofReceiver]);
  return {
    version: 1,
    sender: {
      identity: await chainTo(space, await delegationOf(space, lane)),
      lane: toText(lane),
      voucher: { n, signature },
      frames: s.map(toText),
    },
    receiver: {
      identity: await chainTo(space, host.certifiedBy),
      host,
      frames: r.map(toText),
    },
    contexts: contexts.map(toText),
    receipts: await receiptsOf(space, contexts),
  };
}

async function sessionRow(
  space: Space,
  session: Address,
): Promise<{ readonly n: number; readonly row: CellValue<"session"> }> {
  const first = await space.proof(session);
  const lane = first?.ib === "keystone.session" && startReplay(first, "session").details["lane"];
  const rows = typeof lane === "string" ? await readCells(space, cellKinds.session, laneKey(lane)) : [];
  const row = rows.find(({ value }) => value.session === session);
  if (!row) throw new KeysagaError("no_transcript");
  return { n: Number(row.name), row: row.value };
}

const laneKey = (lane: string) => `${gibOf(parseAddress(lane))}/`;

/** L0: a receiver has it in the row by which it follows the lane. */
export async function laneOf(space: Space, lane: Address): Promise<IbGib> {
  const { value } = await readCell(space, cellKinds.lane, lane);
  return value ? decodeText(value.first) : proof(space, lane);
}

/** The frame by which its identity delegates a lane. */
async function delegationOf(space: Space, lane: IbGib): Promise<Address> {
  const { delegator } = startLane(lane);
  const { value } = await delegatedCell(space, delegator, lane.address);
  if (!value) throw damaged();
  const [frame] = await space.proofs(delegator, value.n, value.n + 1);
  return value.branch ?? frame?.address ?? delegator;
}

/** All frames of an identity up to this one, whichever branch it is in. */
async function chainTo(space: Space, newest: Address): Promise<readonly RecordText[]> {
  const frames: IbGib[] = [];
  for (let at: Address | undefined = newest; at !== undefined; ) {
    const frame: IbGib = await proof(space, at);
    frames.push(frame);
    at = previousOf(frame);
  }
  return frames.reverse().map(toText);
}

/** The contexts that both sides' frames claim: S, who begins, and R take turns. */
function turnsOf(s: readonly IbGib[], r: readonly IbGib[], proofs: readonly IbGib[]): readonly IbGib[] {
  const byAddress = new Map(proofs.map((record) => [String(record.address), record]));
  const byNumber = (a: IbGib, b: IbGib) => (nOf(a) ?? 0) - (nOf(b) ?? 0);
  const turns = [...s, ...r].filter((frame) => (nOf(frame) ?? 0) > 1).sort(byNumber);
  return turns.map((frame) => byAddress.get(claimOf(frame).target) ?? fail());
}

async function receiptsOf(space: Space, contexts: readonly IbGib[]): Promise<readonly Receipt[]> {
  const sagas = contexts.flatMap(({ data }) =>
    data && "stage" in data && data["stage"] === "receipt" ? [String(data["saga"])] : [],
  );
  const cells = await Promise.all(sagas.map((saga) => readCell(space, cellKinds.receipt, saga)));
  return cells.flatMap(({ value }) => {
    if (!value) return [];
    const { session: _session, ...receipt } = value;
    return [receipt];
  });
}

async function proof(space: Space, address: Address): Promise<IbGib> {
  return (await space.proof(address)) ?? fail();
}

function damaged(): KeysagaError {
  return new KeysagaError("store_damaged", { missing: "frame" });
}

function fail(): never {
  throw damaged();
}

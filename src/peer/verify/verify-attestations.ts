import { countedKey } from "../rights/head-judge.js";
import { type Address, addressOf, gibOf, isTjp, type IbGib, makerOf } from "../../ibgib/index.js";
import { startLane, startReceiverSession, startSenderSession } from "../../keystone/index.js";
import {
  checkProofs,
  checkReceipt,
  type KnownParts,
  listName,
  provedReceiver,
  provedSession,
} from "../../saga/index.js";
import type { Space } from "../../space/index.js";
import { cellKinds, type CellValue, readCell } from "../home/cells.js";
import { loadIdentity } from "../home/known-identities.js";
import { showList } from "../rights/attestations.js";
import { partsGroup, readLane, readSession } from "../rights/proof-parts.js";
import { exportReceipt } from "./receipts.js";
import { laneOf } from "./transcripts.js";
import { detailOf, type Problem, problem } from "./verify-problem.js";

/** What proofs and receipts rest on is kept, and proves what it says. @param key Of any cell. */
export async function* verifyProofs(space: Space, key: string): AsyncGenerator<Problem> {
  for (const [{ prefix }, verify] of checks)
    if (key.startsWith(prefix)) yield* verify(space, key.slice(prefix.length));
}

const checks = [
  [cellKinds.attested, verifyAttested],
  [cellKinds.counted, verifyCounted],
  [cellKinds.list, verifyList],
  [cellKinds.voucher, verifyVoucher],
  [cellKinds.host, verifyHost],
  [cellKinds.receipt, verifyReceipt],
  [cellKinds.session, verifyTranscript],
] as const;

/** A frame stands in the list that its row names, and who signed that is the maker that the frame names. */
async function* verifyAttested(space: Space, gib: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.attested, gib);
  const list = value && (await readCell(space, cellKinds.list, value.list)).value;
  if (value === undefined) return;
  const entry = list && entriesOf(list).find(({ frame }) => gibOf(frame) === gib);
  if (list === undefined || entry === undefined)
    return yield problem(`gib ${gib}`, "not_attested", "not in its list");
  const { frame: at, tjp } = entry;
  const part = await readSession(space, list.session);
  if (part?.identity !== value.by) return yield problem(at, "not_attested", "signed by another");
  const [frame, first] = await space.getMany([at, tjp]);
  const maker = frame && first && makerOf(frame, first);
  if (maker !== undefined && maker !== value.by) yield problem(at, "not_attested", "not by its maker");
}

/** A head stands in the receipt that its row names, with the entry that has let it in, and its receiver has signed that. */
async function* verifyCounted(space: Space, name: string): AsyncGenerator<Problem> {
  const { key, value } = await readCell(space, cellKinds.counted, name);
  const list = value && (await readCell(space, cellKinds.list, value.list)).value;
  if (value === undefined) return;
  const entry = list && entriesOf(list).find((each) => "entry" in each && countedKey(each) === key);
  if (list === undefined || entry === undefined)
    return yield problem(`gib ${name}`, "not_attested", "not in its receipt");
  const part = await readSession(space, list.session);
  if (part?.identity !== value.by) yield problem(entry.frame, "not_attested", "signed by another");
}

const entriesOf = ({ all, some = [] }: CellValue<"list">) => all ?? some.map(({ entry }) => entry);

/** The session has signed the list. What vouches for that one is for its own row. */
async function* verifyList(space: Space, name: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.list, name);
  if (value === undefined) return;
  const at = value.session;
  if (listName(value) !== name) return yield problem(at, "cell", cellKinds.list.prefix + name);
  try {
    const part = await readSession(space, value.session);
    if (part === undefined) return yield problem(at, "not_vouched", "no voucher");
    if (value.all && value.all.length !== value.count)
      return yield problem(at, "not_attested", "not all of its list");
    const known: KnownParts = { sessions: new Map([[at, part]]), lanes: new Map(), identities: new Map() };
    checkProofs({ records: [], vouchers: [], lists: showList(value, () => true) }, known);
  } catch (thrown) {
    yield problem(at, "not_attested", detailOf(thrown));
  }
}

/** The lane vouches for the session, its identity has delegated the lane, and both are filed where they belong. */
async function* verifyVoucher(space: Space, gib: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.voucher, gib);
  if (value === undefined) return;
  const { session, lane, identity } = value;
  if (gibOf(session) !== gib) return yield problem(session, "cell", cellKinds.voucher.prefix + gib);
  try {
    const [first, of] = await Promise.all([space.proof(session), readLane(space, lane)]);
    if (!first) return yield problem(session, "link_missing", "the session's genesis");
    if (!of) return yield problem(session, "link_missing", lane);
    const state = (await space.proof(identity)) && (await loadIdentity(space, identity, [lane]));
    if (!state) return yield problem(session, "link_missing", identity);
    const proved = provedSession(first, value, startLane(of), state);
    if (proved.identity !== identity || proved.lane !== lane)
      yield problem(session, "not_vouched", "by another lane or identity");
    const [byNumber, fork] = await Promise.all([
      readCell(space, cellKinds.vouched, `${gibOf(lane)}/${value.n}`),
      readCell(space, cellKinds.fork, gibOf(lane)),
    ]);
    if (byNumber.value?.session !== session && !fork.value)
      yield problem(session, "cell", "not listed by its lane's number");
  } catch (thrown) {
    yield problem(session, "not_vouched", detailOf(thrown));
  }
}

/** The receiver's identity has certified the host key that has signed its session. */
async function* verifyHost(space: Space, gib: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.host, gib);
  if (value === undefined) return;
  const at = `gib ${gib}`;
  try {
    const first = await space.proof(addressOf("keystone.session", gib));
    if (!first) return yield problem(at, "link_missing", "the session's genesis");
    const { receiver } = startReceiverSession(first).details;
    const state = (await space.proof(receiver)) && (await loadIdentity(space, receiver, [value.certifiedBy]));
    if (!state) return yield problem(at, "link_missing", receiver);
    provedReceiver(first, { session: first.address, host: value }, state);
  } catch (thrown) {
    yield problem(at, "not_vouched", detailOf(thrown));
  }
}

/** A receipt can be shown to others, and proves what it says. */
async function* verifyReceipt(space: Space, saga: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.receipt, saga);
  const first = value && (await space.proof(value.session));
  if (value === undefined) return;
  try {
    if (!first) return yield problem(value.session, "link_missing", `receipt of ${saga}`);
    const { receiver } = startReceiverSession(first).details;
    const checked = checkReceipt(await exportReceipt(space, { saga, receiver }), receiver);
    if (checked.saga !== saga) yield problem(value.session, "cell", `receipt of ${saga}`);
  } catch (thrown) {
    yield problem(value.session, "receipt", detailOf(thrown));
  }
}

/** What is kept with the transcript of a session vouches for both sides' keystones. */
async function* verifyTranscript(space: Space, name: string): AsyncGenerator<Problem> {
  const { value } = await readCell(space, cellKinds.session, name);
  if (value === undefined) return;
  const { session, receiverSession, voucher: signature, host } = value;
  try {
    const [s0, r0] = [await space.proof(session), await space.proof(receiverSession)];
    if (!s0 || !r0) return yield problem(session, "link_missing", "the genesis of a side");
    const lane = startLane(await laneOf(space, startSenderSession(s0).details.lane));
    const { receiver } = startReceiverSession(r0).details;
    const theirs = await loadIdentity(space, lane.delegator, [lane.keystone.tjp]);
    const answering = await loadIdentity(space, receiver, [host.certifiedBy]);
    if (!theirs || !answering) return yield problem(session, "link_missing", "an identity");
    provedSession(s0, { session, n: Number(name.split("/")[1]), signature }, lane, theirs);
    provedReceiver(r0, { session: receiverSession, host }, answering);
  } catch (thrown) {
    yield problem(session, "not_vouched", detailOf(thrown));
  }
}

/** What is kept for proofs is the genesis of a lane or session, under its lane, and something rests on it. */
export async function* verifyPart(space: Space, record: IbGib, group: Address): AsyncGenerator<Problem> {
  const at = record.address;
  if (!isTjp(record)) return yield problem(at, "place", group);
  try {
    if (record.ib === "keystone.lane") {
      startLane(record);
      if (partsGroup(at) !== group) yield problem(at, "place", group);
      return;
    }
    const voucher = (await readCell(space, cellKinds.voucher, record.gib)).value;
    const host = (await readCell(space, cellKinds.host, record.gib)).value;
    const of = voucher ? voucher.lane : host && startReceiverSession(record).details.receiver;
    if (of === undefined) return yield problem(at, "not_vouched", "nothing vouches for it");
    if (partsGroup(of) !== group) yield problem(at, "place", group);
  } catch (thrown) {
    yield problem(at, "keystone", detailOf(thrown));
  }
}

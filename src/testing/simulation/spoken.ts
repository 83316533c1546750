import { fromUtf8 } from "../../base/index.js";
import type { Address, RecordText } from "../../ibgib/index.js";
import type { Opened } from "../../keystone/index.js";
import type { Message } from "../../transport/index.js";

/** What keystone frames are called; contexts are none. */
export const keystoneIbs: ReadonlySet<string> = new Set([
  "keystone.identity",
  "keystone.lane",
  "keystone.session",
]);

/** What a message says of keystones, as far as a world looks at it. */
export interface Spoken {
  readonly type: string;
  /** Every keystone frame in it. */
  readonly frames: readonly RecordText[];
  /** Of a turn: the key that it opens, with what that has signed. */
  readonly opened?: Opened;
  /** Of a turn: which it is, and of which saga. */
  readonly turn?: string;
  readonly saga?: string;
  /** The frames that a turn attests as made by who says it. */
  readonly signed?: readonly Address[];
  /** Of `open`: the genesis of the session that it is for, and what the sender shows to know of itself. */
  readonly open?: {
    readonly session: RecordText;
    readonly lane: Address;
    readonly identity: { readonly tip: Address; readonly n: number };
  };
}

/** Reads what an honest peer has said: it is known to be well formed. */
export function readSpoken(message: Message): Spoken | undefined {
  if (typeof message !== "string") return evidenceIn(message);
  const said = JSON.parse(message);
  switch (said.type) {
    case "open":
      return {
        type: said.type,
        frames: [said.session],
        open: { session: said.session, lane: said.lane.keystone, identity: said.identity },
      };
    case "frames":
      return { type: said.type, frames: said.frames };
    case "challenge": {
      const body = JSON.parse(said.body);
      return { type: said.type, frames: [...body.receiverFrames, body.session, said.proof.frame] };
    }
    case "connect": {
      const { identityFrames, laneFrames, proof } = said;
      return { type: said.type, frames: [...identityFrames, ...laneFrames, proof.lane, proof.frame] };
    }
    case "turn": {
      const { type: turn, saga, entries = [] } = JSON.parse(said.body);
      const signed = entries.flatMap(({ frame = [] }) => frame);
      return { type: said.type, frames: [], opened: said.proof, turn, saga, signed };
    }
    default:
      return { type: said.type, frames: [] };
  }
}

/** The first byte of a payload frame with evidence. */
const evidenceKind = 3;

/** Evidence travels as a list of records, vouchers and lists. */
function evidenceIn(frame: Uint8Array): Spoken | undefined {
  if (frame[0] !== evidenceKind) return undefined;
  const items: readonly unknown[] = JSON.parse(fromUtf8(frame.subarray(1)) ?? "[]");
  return { type: "evidence", frames: items.filter(isFrame) };
}

function isFrame(item: unknown): item is RecordText {
  return Array.isArray(item) && keystoneIbs.has(item[0]);
}

/** Messages that are covered by a signature, in the handshake and after it; the others can be anybody's. */
const inHandshake = /^\{"type":"(?:hello|open|frames|challenge|connect)"/;
const inSaga = /^\{"type":"turn"/;

/** Where a message belongs whose least change has to be noticed; undefined for what is not signed. */
export function signedIn(message: Message): "handshake" | "saga" | undefined {
  if (typeof message !== "string") return "saga";
  if (inHandshake.test(message)) return "handshake";
  return inSaga.test(message) ? "saga" : undefined;
}

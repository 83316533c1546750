import { type ReceiverLimits, receiverLimits, type SessionLimits, sessionLimits } from "../index.js";
import { type ServerLimits, serverLimits } from "../node/index.js";
import { UsageError } from "./command.js";

type Limits = ServerLimits & SessionLimits & ReceiverLimits;
export type LimitName = keyof Limits;

/** Every limit that an operator may set, by name: what it is about. Names say the unit: `Bytes`, `Ms`, else a count. */
export const limitRows: Readonly<Record<LimitName, string>> = {
  connectionsMax: "connections in all",
  connectionsPerAddressMax: "connections from one network (an IPv4 address or an IPv6 /64)",
  unauthenticatedMax: "connections on which nobody has proved an identity, in all",
  unauthenticatedPerAddressMax: "and from one network",
  headersTimeoutMs: "for a request's headers, or the TLS handshake",
  requestTimeoutMs: "for a whole request",
  connectionsCheckingIntervalMs: "how often the two above are looked at",
  headerBytesMax: "request line and headers",
  handshakeTimeoutMs: "from the connection until both sides are proved",
  turnTimeoutMs: "for the other side to answer, or for records to move fast enough",
  payloadBytesPerSecondMin: "a second, over ten: who sends as many is never too slow",
  idleTimeoutMs: "of a session without a sync",
  chainFramesMax: "frames of an identity that its handshake may show",
  recordsMax: "records of one session, each way; a sender that asks for more is refused",
  bytesMax: "bytes of records of one session, each way; likewise",
  turnsMax: "signed turns of one session, each way; likewise",
  partBytes: "records that one commit brings; what is more follows in others",
  deltaBytes: "records between two signed turns",
  comparedMin: "timelines from which on sets are compared by ranges, and not each named",
  unaskedMax: "records that are sent without asking",
  commitsMax: "tries of one sync that others come before",
  sessionsPerIdentityMax: "sessions of one identity at a time",
  identitiesMax: "identities that are kept",
  newIdentitiesPerAddressPerHour: "identities met for the first time, in an hour, from one network",
  newIdentitiesPerHour: "and in all",
  signaturesPerNetworkPerMinute: "signatures that strangers of one network cost, in a minute",
  mergeStepsPerIdentityPerMinute: "steps of merges and walks, of some 20 ns, for one identity in a minute",
  durableBytesPerIdentityMax: "what is kept for one identity",
  durableBytesMax: "and in all",
  stagedBytesPerIdentityMax: "records on their way, of one identity",
  stagedBytesMax: "and in all",
  listedBytesPerIdentityMax: "memory for lists and evidence, of one identity",
  listedBytesMax: "and in all",
  unprovedCharsMax: "characters held for connections that have proved nothing",
  keptBytesPerIdentityMax: "records kept of lost connections, of one identity",
  keptBytesMax: "and in all",
  keptStagesMax: "lost connections of which records are kept",
  keptMs: "for so long",
  commitWaitMs: "that a commit waits for others",
  commitHoldMs: "that one that came second keeps its turn",
};

export const limitDefaults: Limits = { ...serverLimits, ...sessionLimits, ...receiverLimits };

export function isLimitName(name: string): name is LimitName {
  return Object.hasOwn(limitRows, name);
}

/**
 * What `--limit NAME=VALUE` says, for the server and for the receiver. A later value of a name counts.
 *
 * @throws UsageError for a name that there is not, and for a value that does not fit it.
 */
export function parseLimits(given: readonly string[]): Partial<Limits> {
  return Object.fromEntries(given.map(parseLimit));
}

function parseLimit(text: string): readonly [LimitName, number] {
  const at = text.indexOf("=");
  if (at < 0) throw new UsageError(`--limit takes NAME=VALUE, not '${text}'`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (!isLimitName(name)) throw new UsageError(`--limit: there is no limit '${name}'; the help lists them`);
  const { pattern, units, example, max } = kindOf(name);
  const [, digits, unit = ""] = pattern.exec(value) ?? [];
  const number = Math.round(Number(digits) * (units.get(unit) ?? Number.NaN));
  if (digits === undefined || !(number >= 1 && number <= max))
    throw new UsageError(`--limit ${name} takes ${example}, not '${value}'`);
  return [name, number];
}

interface Kind {
  /** Digits, then a unit. */
  readonly pattern: RegExp;
  readonly units: ReadonlyMap<string, number>;
  readonly example: string;
  readonly max: number;
}

const measured = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-zA-Z]*)$/;
const counts: Kind = {
  pattern: /^(\d{1,15})$/,
  units: new Map([["", 1]]),
  example: "a whole number from 1 on",
  max: Number.MAX_SAFE_INTEGER,
};
const sizes: Kind = {
  pattern: measured,
  units: new Map([
    ["", 1],
    ["B", 1],
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
    ["TB", 1e12],
    ["KiB", 1024],
    ["MiB", 1024 ** 2],
    ["GiB", 1024 ** 3],
    ["TiB", 1024 ** 4],
  ]),
  example: "a size from 1 byte on, as 500kB, 64MiB or 2GiB",
  max: Number.MAX_SAFE_INTEGER,
};
const times: Kind = {
  pattern: measured,
  units: new Map([
    ["", 1],
    ["ms", 1],
    ["s", 1e3],
    ["m", 60e3],
    ["h", 3600e3],
    ["d", 86_400e3],
  ]),
  example: "a time up to 24d, as 500ms, 10s, 5m or 1h",
  max: 2 ** 31 - 1, // the longest that a timer takes
};

function kindOf(name: string): Kind {
  if (/bytes/i.test(name)) return sizes;
  return name.endsWith("Ms") ? times : counts;
}

/** The value of a limit as people read it: `64 MiB`, `10 s`, `100,000`. As `--limit` takes it, but for spaces and commas. */
export function showLimit(name: string, value: number): string {
  const kind = kindOf(name);
  if (kind === counts) return value.toLocaleString("en-US");
  const whole = [...kind.units].filter(([unit, size]) => unit !== "" && value % size === 0);
  const [unit, size] = whole.reduce((best, each) => (each[1] > best[1] ? each : best));
  return `${value / size} ${unit}`;
}

/** Rows of a table: the name of each limit, its default, and what it is about. */
export function limitTable(): readonly (readonly [name: LimitName, value: string, about: string])[] {
  const names = Object.keys(limitRows).filter(isLimitName);
  return names.map((name) => [name, showLimit(name, limitDefaults[name]), limitRows[name]]);
}

/** What of it the server is given; all else is the receiver's. */
export function serverPart(limits: Partial<Limits>): Partial<ServerLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => Object.hasOwn(serverLimits, name)));
}

/**
 * The gib of any JSON record as the public ibGib V1 software (generation 3) computes it, admissible or not: for
 * comparing with foreign data. Records of ours get theirs in record.ts, by the strict normal form, which is the same
 * wherever that admits anything.
 */
import { utf8 } from "../base/index.js";
import { recordHash } from "./hash.js";

/** Any record of theirs; members outside these four are not hashed, `gib` neither. */
export interface ForeignRecord {
  readonly ib: string;
  readonly data?: unknown;
  readonly rel8ns?: unknown;
}

/**
 * @param record From JSON.parse, or with bytes for `data`.
 * @returns 64 upper-case hex digits, with a dot and the gib of the last `tjp` address behind them, where there is one
 *   and `data.isTjp` is not true.
 */
export function gibV1(record: ForeignRecord): string {
  const { ib, data, rel8ns } = record;
  const hash = recordHash(
    ib,
    textOf(rel8ns, hasLinks(rel8ns)),
    data instanceof Uint8Array ? data : textOf(data, isPresent(data)),
  );
  const tjp = tjpGib(rel8ns);
  return tjp === undefined || memberOf(data, "isTjp") === true ? hash : `${hash}.${tjp}`;
}

function textOf(value: unknown, isThere: boolean): Uint8Array | undefined {
  return isThere ? utf8(JSON.stringify(sorted(value))) : undefined;
}

/** Does at least one list have a member? */
function hasLinks(rel8ns: unknown): boolean {
  return isObject(rel8ns) && Object.values(rel8ns).some((list) => lengthOf(list) > 0);
}

/** Truthy, and not an object or list without members. */
function isPresent(data: unknown): boolean {
  return isObject(data) ? Object.keys(data).length > 0 : Boolean(data);
}

/** Plain assignment on purpose: an own `__proto__` is lost on the way, as it is there. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const rebuilt: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort(byUtf16)) rebuilt[name] = sorted(value[name]);
  return rebuilt;
}

function byUtf16(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function tjpGib(rel8ns: unknown): string | undefined {
  const tjp = memberOf(rel8ns, "tjp");
  const last: unknown = Array.isArray(tjp) ? tjp.at(-1) : undefined;
  return typeof last === "string" ? last.slice(last.lastIndexOf("^") + 1) : undefined;
}

function lengthOf(list: unknown): number {
  return typeof list === "string" || Array.isArray(list) ? list.length : 0;
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/**
 * The gib of any JSON record as the public ibGib V1 software (generation 3) computes it, admissible or not: for
 * comparing with foreign data. Records of ours get theirs in record.ts, by the strict normal form, which is the same
 * wherever that admits anything.
 */
import { utf8 } from "../base/index.js";
import { refuseRecord } from "./admission.js";
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
 *   and `data.isTjp` is not true. An empty ib alone gives "".
 * @throws KeysagaError `record_refused`, rule `tjp`, where the first entry of `tjp` is empty: an error there as well.
 */
export function gibV1({ ib, data, rel8ns }: ForeignRecord): string {
  const links = hasLinks(rel8ns) ? textOf(rel8ns) : undefined;
  const said = data instanceof Uint8Array ? data : isPresent(data) ? textOf(data) : undefined;
  if (ib === "" && links === undefined && said === undefined) return "";
  const hash = recordHash(ib, links, said);
  const tjp = memberOf(data, "isTjp") === true ? undefined : tjpGib(rel8ns);
  return tjp === undefined ? hash : `${hash}.${tjp}`;
}

function textOf(value: unknown): Uint8Array {
  return utf8(JSON.stringify(sorted(value)));
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
  if (!Array.isArray(tjp) || tjp.length === 0) return undefined;
  const last: unknown = tjp.at(-1);
  if (!tjp[0] || typeof last !== "string") return refuseRecord("tjp");
  return last.slice(last.lastIndexOf("^") + 1);
}

/** Theirs asks anything for its `length`. */
function lengthOf(list: unknown): number {
  return typeof list === "string" ? list.length : Number(memberOf(list, "length"));
}

function memberOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** What every layer stands on: errors, bytes, canonical JSON, the crypto seam, ports. Imports nothing of ours. */

export { fromBase64Url, toBase64Url } from "./base64url.js";
export {
  concatBytes,
  fromHex,
  fromUtf8,
  isWellFormed,
  lengthPrefixed,
  sameBytes,
  sameSecret,
  toHex,
  u32,
  utf8,
  writeU32,
} from "./bytes.js";
export {
  canonicalJson,
  type JsonRule,
  jsonDepthMax,
  normalJson,
} from "./canonical-json.js";
export {
  type CryptoSeam,
  ed25519Key,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  hkdfSha256,
  hmacSha256,
  type SigningKey,
  sha256,
  sha256Hex,
} from "./crypto.js";
export {
  assert,
  describeError,
  errorFromElsewhere,
  type Facts,
  KeysagaError,
  type LimitFacts,
  isLimit,
  limitExceeded,
  toKeysagaError,
} from "./errors.js";
export type { ErrorRow } from "./error-row.js";
export { type ErrorCode, errorTable, isErrorCode } from "./error-table.js";
export { isSoundKey } from "./ed25519-rule.js";
export { groupBy } from "./group-by.js";
export { parseCanonicalJson, scanCanonicalJson } from "./json-scanner.js";
export { freezeDeep, isWithinDepth, type Json, type JsonObject, sameJson } from "./json.js";
export type { Clock, Instant, Moment, Random, Timers } from "./ports.js";
export { printable } from "./printable.js";
export { failedWith, meaningOf, systemError } from "./system-errors.js";

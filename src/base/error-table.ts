import { errorsOfHomes } from "./errors-of-homes.js";
import { errorsOfRecords } from "./errors-of-records.js";
import { errorsOfSessions } from "./errors-of-sessions.js";
import type { ErrorRow } from "./error-row.js";

const rows = { ...errorsOfRecords, ...errorsOfSessions, ...errorsOfHomes };

export type ErrorCode = keyof typeof rows;

/** Every way to fail. docs/errors.md is generated from this table (`npm run docs:errors`). */
export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = rows;

/** Is `code` a row of the table? What a peer sends may be any string. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

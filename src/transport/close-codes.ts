import { KeysagaError } from "../base/index.js";

/** WebSocket close codes (RFC 6455, section 7.4.1). `lost` is never sent: it is what a missing close frame reads as. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  noCode: 1005,
  lost: 1006,
  tooBig: 1009,
  internal: 1011,
};

/** ws closes with this when a message comes in too many pieces. */
const policyViolation = 1008;

/** A page may send 1000 or 3000 to 4999 only, so there the others are sent 3000 higher. */
const browserOffset = 3000;

/** How this side's reason to close is told to the other. */
export function closeCodeOf(cause: KeysagaError | undefined): number {
  if (cause === undefined) return closeCodes.normal;
  return cause.code === "limit_exceeded" ? closeCodes.tooBig : closeCodes.internal;
}

/** A close code as a page is allowed to send it. */
export function browserCloseCode(closeCode: number): number {
  return closeCode === closeCodes.normal ? closeCode : closeCode + browserOffset;
}

/** Why the connection ended, by the code the other side closed with; undefined when it was in order. */
export function errorOfClose(received: number): KeysagaError | undefined {
  const closeCode = received >= 4000 ? received - browserOffset : received;
  switch (closeCode) {
    case closeCodes.normal:
    case closeCodes.goingAway:
    case closeCodes.noCode:
      return undefined;
    case closeCodes.tooBig:
    case policyViolation:
      return new KeysagaError("limit_exceeded", { side: "theirs", closeCode });
    default:
      return new KeysagaError("connection_lost", { closeCode });
  }
}

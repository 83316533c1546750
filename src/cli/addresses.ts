import { type Address, isAddress } from "../index.js";
import { UsageError } from "./command.js";

/**
 * An identity as a person names it: its whole address, or the 64 hex digits behind the `^`, which need no quotes.
 *
 * @param option What it was given for, for the message.
 */
export function parseIdentity(text: string, option: string): Address {
  const address = /^[0-9A-F]{64}$/i.test(text) ? `keystone.identity^${text.toUpperCase()}` : text.trim();
  if (isAddress(address) && /^keystone\.identity\^[0-9A-F]{64}$/.test(address)) return address;
  throw new UsageError(`${option} takes an identity as keysaga id prints it, or its 64 hex digits`);
}

/** The address of a frame. @throws UsageError for anything else. */
export function parseFrame(text: string): Address {
  const address = text.trim();
  if (isAddress(address)) return address;
  throw new UsageError("FRAME takes the address of a change, as keysaga sync prints it");
}

import { KeysagaError } from "../base/index.js";
import type { TransportOptions } from "./limits.js";

/** The one WebSocket subprotocol of keysaga; an end that does not speak it is refused. */
export const subprotocol = "keysaga.v1";

export interface WebSocketDialOptions extends TransportOptions {
  /** Allows `ws://` to other machines. Off, and best left off: everything but signatures is then open to the wire. */
  readonly insecure?: boolean;
  /** For Node only: a page has the browser's trust store, and dialling with this is refused there. */
  readonly tls?: TlsOptions;
}

/** PEM texts or bytes, as `tls.connect` takes them. Certificates are always checked. */
export interface TlsOptions {
  /** Certificates to trust instead of the platform's. */
  readonly ca?: string;
  /** This side's own certificate and key, where the server asks for one. */
  readonly cert?: string;
  readonly key?: string;
  /** The name to check the certificate against, where it is not the host of the URL. */
  readonly servername?: string;
}

/**
 * The URL to dial: `wss://`, or `ws://` to this machine or where `insecure` allows it.
 *
 * @throws KeysagaError `insecure_url`, `cannot_connect` (not a WebSocket URL, or one with a user name or fragment).
 */
export function parseDialUrl(url: string, insecure: boolean): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !["ws:", "wss:"].includes(parsed.protocol)) {
    throw cannotConnect("", "not a ws:// or wss:// address");
  }
  if (parsed.username !== "" || parsed.password !== "" || parsed.hash !== "") {
    throw cannotConnect(parsed.host, "user name, password or fragment in the address");
  }
  if (parsed.protocol === "ws:" && !insecure && !isLoopback(parsed.hostname)) {
    throw new KeysagaError("insecure_url", { host: parsed.host });
  }
  return parsed;
}

/** @param reason Why, in a word: `ECONNREFUSED`, `HTTP 403`, `timeout`. Never text that the other side chose. */
export function cannotConnect(host: string, reason: string, cause?: unknown): KeysagaError {
  return new KeysagaError("cannot_connect", { host, reason }, { cause });
}

/** `URL` has brought every spelling of an address to one form. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

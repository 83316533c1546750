import { isIPv4, isIPv6 } from "node:net";
import { KeysagaError, limitExceeded } from "../base/index.js";

/** What a proxy says ahead of a connection (PROXY protocol, version 1 or 2, by HAProxy). */
export interface ProxyHeader {
  /** Its bytes; what follows is the connection. */
  readonly length: number;
  /** The address of who connected to it; undefined where it speaks for itself, or does not know. */
  readonly client: string | undefined;
}

/** A line of version 1, its end included. */
const lineBytesMax = 107;

/** A header of version 2, what it may say beside addresses included: those of TLS certificates are the largest. */
export const proxyHeaderBytesMax = 4 * 1024;

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const fixedBytes = 16;
const lineStart = "PROXY ";

/**
 * Reads the header at the start of a connection; undefined while more has to come. Looks at no more than
 * `proxyHeaderBytesMax`, and says what is wrong with the first byte that is.
 *
 * @throws KeysagaError `malformed_message`, `limit_exceeded`.
 */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  if (bytes.length === 0) return undefined;
  return bytes[0] === signature[0] ? readBinary(bytes) : readLine(bytes);
}

function readLine(bytes: Uint8Array): ProxyHeader | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, lineBytesMax));
  if (!text.startsWith(lineStart.slice(0, text.length))) throw malformed("start");
  const end = text.indexOf("\r\n");
  if (end < 0) {
    if (text.length === lineBytesMax) throw tooLong(lineBytesMax);
    return undefined;
  }
  const length = end + 2;
  const [, protocol, client = "", target = "", ...ports] = text.slice(0, end).split(" ");
  if (protocol === "UNKNOWN") return { length, client: undefined };
  const family = protocol === "TCP4" ? isIPv4 : protocol === "TCP6" ? isIPv6 : undefined;
  if (family === undefined || !family(client) || !family(target)) throw malformed("addresses");
  if (ports.length !== 2 || !ports.every(isPort)) throw malformed("ports");
  return { length, client };
}

function readBinary(bytes: Uint8Array): ProxyHeader | undefined {
  if (signature.some((byte, at) => at < bytes.length && bytes[at] !== byte)) throw malformed("signature");
  if (bytes.length < fixedBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [versionAndCommand, family] = [view.getUint8(12), view.getUint8(13)];
  const length = fixedBytes + view.getUint16(14);
  if (versionAndCommand !== 0x20 && versionAndCommand !== 0x21) throw malformed("version or command");
  if (length > proxyHeaderBytesMax) throw tooLong(proxyHeaderBytesMax);
  if (bytes.length < length) return undefined;
  const isLocal = versionAndCommand === 0x20;
  return { length, client: isLocal ? undefined : sourceOf(family, view, length) };
}

/** What is no TCP over IP has no address that could be counted. */
function sourceOf(family: number, view: DataView, length: number): string | undefined {
  const size = family === 0x11 ? 4 : family === 0x21 ? 16 : undefined;
  if (size === undefined) return undefined;
  if (length < fixedBytes + 2 * size + 4) throw malformed("addresses");
  if (size === 4) return [0, 1, 2, 3].map((at) => view.getUint8(fixedBytes + at)).join(".");
  const groups = [0, 1, 2, 3, 4, 5, 6, 7].map((at) => view.getUint16(fixedBytes + 2 * at).toString(16));
  return groups.join(":");
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}

const malformed = (rule: string) => new KeysagaError("malformed_message", { in: "proxy header", rule });

const tooLong = (max: number) => limitExceeded("proxyHeaderBytesMax", max);

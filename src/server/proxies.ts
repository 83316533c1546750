import { BlockList, isIP, isIPv4, type Socket } from "node:net";
import { KeysagaError, type Timers, toKeysagaError } from "../base/index.js";
import { proxyHeaderBytesMax, readProxyHeader } from "./proxy-header.js";

/** The proxies that a server stands behind. What they say of who connects is believed, and of nobody else. */
export interface TrustProxy {
  /** IP addresses and CIDR blocks: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`. */
  readonly addresses: readonly string[];
  /**
   * How they say it. `x-forwarded-for`: in that header of HTTP; the right-most address in it that is no such proxy counts.
   * `proxy-protocol`: each of their connections begins with a PROXY header, version 1 or 2.
   */
  readonly by: "x-forwarded-for" | "proxy-protocol";
}

/** Which addresses are proxies, and whom they speak for. */
export class Proxies {
  readonly #trusted = new BlockList();
  readonly #by: TrustProxy["by"] | undefined;

  /** @throws KeysagaError `wrong_proxy_address` for what is neither an IP address nor a block of them. */
  constructor(trust: TrustProxy | undefined) {
    this.#by = trust?.by;
    for (const address of trust?.addresses ?? []) this.#add(address);
  }

  isProxy(address: string): boolean {
    return isIP(address) > 0 && this.#trusted.check(address, familyOf(address));
  }

  /** Do connections from there begin with a PROXY header? */
  speaksFirst(address: string): boolean {
    return this.#by === "proxy-protocol" && this.isProxy(address);
  }

  /**
   * Who asks, where a request came over a connection of `from`. What a list holds left of an address that is no proxy
   * was written by who knows whom; what is no address ends it likewise, and counts for the proxy that wrote it.
   */
  clientOf(from: string, forwarded: string | string[] | undefined): string {
    if (this.#by !== "x-forwarded-for" || forwarded === undefined) return from;
    const list = [forwarded].flat().join(",").split(",").reverse();
    let client = from;
    for (const entry of list) {
      const address = addressIn(entry);
      if (!this.isProxy(client) || address === undefined) break;
      client = address;
    }
    return client;
  }

  #add(text: string): void {
    const [address = "", bits, ...more] = text.split("/");
    const isBlock =
      bits !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128);
    if (isIP(address) === 0 || address.includes("%") || more.length > 0 || (bits !== undefined && !isBlock))
      throw new KeysagaError("wrong_proxy_address", { address: text });
    if (bits === undefined) this.#trusted.addAddress(address, familyOf(address));
    else this.#trusted.addSubnet(address, Number(bits), familyOf(address));
  }
}

/** An address of a list, with or without a port. */
function addressIn(entry: string): string | undefined {
  const text = entry.trim();
  const address =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(address) > 0 ? address : undefined;
}

const familyOf = (address: string) => (isIPv4(address) ? "ipv4" : "ipv6");

/**
 * Takes the PROXY header off a connection that has just begun; what came behind it stays to be read.
 *
 * @returns The client's address; undefined where the proxy speaks for itself, or does not know.
 * @throws KeysagaError `malformed_message`, `limit_exceeded`, `handshake_timeout`, `connection_lost`.
 */
export function takeProxyHeader(
  socket: Socket,
  timers: Timers,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    const settle = (end: () => void) => {
      stopTimer();
      for (const name of ["error", "close", "end"]) socket.off(name, onGone);
      socket.off("readable", onReadable);
      end();
    };
    const fail = (error: KeysagaError) => settle(() => reject(error));
    const onGone = () => fail(new KeysagaError("connection_lost"));
    const stopTimer = timers.after(timeoutMs, () => fail(new KeysagaError("handshake_timeout")));
    const onReadable = () => {
      try {
        for (let chunk = socket.read(); chunk !== null; chunk = socket.read())
          held = Buffer.concat([held, chunk]);
        const header = readProxyHeader(held.subarray(0, proxyHeaderBytesMax));
        if (header === undefined) return;
        const rest = held.subarray(header.length);
        settle(() => {
          if (rest.length > 0) socket.unshift(rest);
          resolve(header.client);
        });
      } catch (thrown) {
        fail(toKeysagaError(thrown));
      }
    };
    for (const name of ["error", "close", "end"]) socket.on(name, onGone);
    socket.on("readable", onReadable);
  });
}

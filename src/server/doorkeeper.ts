import { isIPv6, type Socket } from "node:net";
import type { ServerLimits } from "./limits.js";

/** A socket's place among those that are open: given up when it closes. */
interface Place {
  readonly network: string;
  isAuthenticated: boolean;
}

/** Counts of one network, or of all. */
interface Counts {
  open: number;
  unauthenticated: number;
}

/**
 * Counts the open TCP connections, in all and per address, and says which may stay. It counts sockets and not
 * sessions, so that who asks for nothing, or never ends its headers, counts like everyone else.
 */
export class Doorkeeper {
  readonly #places = new Map<string, Place>();
  readonly #sockets = new Set<Socket>();
  readonly #all: Counts = { open: 0, unauthenticated: 0 };
  readonly #byNetwork = new Map<string, Counts>();

  constructor(private readonly limits: ServerLimits) {}

  /** Takes in a new TCP connection, or cuts it. @returns Whether it stays. */
  admit(socket: Socket): boolean {
    const name = nameOf(socket);
    const network = networkOf(socket.remoteAddress ?? "");
    const counts = this.#byNetwork.get(network) ?? { open: 0, unauthenticated: 0 };
    if (name === undefined || this.#isFull(counts)) {
      socket.destroy();
      return false;
    }
    this.#byNetwork.set(network, counts);
    this.#places.set(name, { network, isAuthenticated: false });
    this.#sockets.add(socket);
    for (const count of [this.#all, counts]) {
      count.open++;
      count.unauthenticated++;
    }
    socket.once("close", () => this.#leave(socket, name));
    return true;
  }

  /** Whoever is at the other end has proved who it is. `socket` may be the TLS socket over the one admitted. */
  authenticated(name: string): void {
    const place = this.#places.get(name);
    if (place === undefined || place.isAuthenticated) return;
    place.isAuthenticated = true;
    for (const count of this.#countsOf(place)) count.unauthenticated--;
  }

  /** Cuts every connection that is left. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #isFull({ open, unauthenticated }: Counts): boolean {
    const { limits } = this;
    return (
      this.#all.open >= limits.connectionsMax ||
      this.#all.unauthenticated >= limits.unauthenticatedMax ||
      open >= limits.connectionsPerAddressMax ||
      unauthenticated >= limits.unauthenticatedPerAddressMax
    );
  }

  #leave(socket: Socket, name: string): void {
    this.#sockets.delete(socket);
    const place = this.#places.get(name);
    if (place === undefined) return;
    this.#places.delete(name);
    for (const count of this.#countsOf(place)) {
      count.open--;
      if (!place.isAuthenticated) count.unauthenticated--;
    }
    if (this.#byNetwork.get(place.network)?.open === 0) this.#byNetwork.delete(place.network);
  }

  #countsOf({ network }: Place): Counts[] {
    const counts = this.#byNetwork.get(network);
    return counts ? [this.#all, counts] : [this.#all];
  }
}

/** The other end's address and port: the same for a TLS socket and the TCP socket under it. Undefined once gone. */
export function nameOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

/** An IPv4 address, however it is spelled, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(address)) return address;
  const [left = "", right] = (address.split("%")[0] ?? "").split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right ? right.split(":") : [];
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array<string>(gap).fill("0"), ...tail].slice(0, 4).join(":");
}

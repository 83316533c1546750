import { isIPv6, type Socket } from "node:net";
import type { ServerLimits } from "./limits.js";

/** A socket's place among those that are open: given up when it closes. */
interface Place {
  readonly network: string;
  isAuthenticated: boolean;
}

/** Why a connection was cut: a limit on connections, and its value. */
export interface ReachedLimit {
  readonly limit: ConnectionLimit;
  readonly max: number;
}
type ConnectionLimit = (typeof connectionLimits)[number];

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

  /** Takes in a new TCP connection, or cuts it. @returns The limit it would exceed. */
  admit(socket: Socket): ReachedLimit | undefined {
    const name = nameOf(socket);
    const network = networkOf(socket.remoteAddress ?? "");
    const counts = this.#byNetwork.get(network) ?? { open: 0, unauthenticated: 0 };
    const reached = this.#reached(counts);
    if (name === undefined || reached) {
      socket.destroy(); // without a name it is gone already
      return reached;
    }
    this.#byNetwork.set(network, counts);
    this.#places.set(name, { network, isAuthenticated: false });
    this.#sockets.add(socket);
    for (const count of [this.#all, counts]) {
      count.open++;
      count.unauthenticated++;
    }
    socket.once("close", () => this.#leave(socket, name));
    return undefined;
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

  #reached(ofNetwork: Counts): ReachedLimit | undefined {
    const counts: Readonly<Record<ConnectionLimit, number>> = {
      connectionsMax: this.#all.open,
      unauthenticatedMax: this.#all.unauthenticated,
      connectionsPerAddressMax: ofNetwork.open,
      unauthenticatedPerAddressMax: ofNetwork.unauthenticated,
    };
    for (const limit of connectionLimits)
      if (counts[limit] >= this.limits[limit]) return { limit, max: this.limits[limit] };
    return undefined;
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

const connectionLimits = [
  "connectionsMax",
  "unauthenticatedMax",
  "connectionsPerAddressMax",
  "unauthenticatedPerAddressMax",
] as const satisfies readonly (keyof ServerLimits)[];

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

import type { Socket } from "node:net";
import { networkOf } from "../transport/index.js";
import type { ServerLimits } from "./limits.js";

/** A socket's place among those that are open: given up when it closes. */
interface Place {
  /** Whom it counts for; nobody yet, where a proxy has still to say so. */
  network: string | undefined;
  isAuthenticated: boolean;
}

/** Counts of one network, or of all. */
interface Counts {
  open: number;
  unauthenticated: number;
}

/**
 * Counts the open TCP connections, in all and per network, and says which may stay. It counts sockets and not
 * sessions, so that who asks for nothing, or never ends its headers, counts like everyone else.
 */
export class Doorkeeper {
  readonly #places = new Map<string, Place>();
  readonly #sockets = new Set<Socket>();
  readonly #all: Counts = { open: 0, unauthenticated: 0 };
  readonly #byNetwork = new Map<string, Counts>();

  constructor(private readonly limits: ServerLimits) {}

  /**
   * Takes in a new TCP connection, or cuts it. @returns Whether it stays.
   *
   * @param address Of who connects; undefined where a proxy has still to say whom it speaks for.
   */
  admit(socket: Socket, address: string | undefined): boolean {
    const name = nameOf(socket);
    if (name === undefined || this.#areAllFull()) {
      socket.destroy();
      return false;
    }
    this.#places.set(name, { network: undefined, isAuthenticated: false });
    this.#sockets.add(socket);
    this.#all.open++;
    this.#all.unauthenticated++;
    socket.once("close", () => this.#leave(socket, name));
    if (address === undefined || this.settle(name, address)) return true;
    socket.destroy();
    return false;
  }

  /**
   * Counts a connection for the network of `address`, once, while it is open. @returns Whether there is room for it: if not,
   * it is to be ended.
   */
  settle(name: string, address: string): boolean {
    const place = this.#places.get(name);
    if (place === undefined || place.network !== undefined) return true;
    const network = networkOf(address);
    const counts = this.#byNetwork.get(network) ?? { open: 0, unauthenticated: 0 };
    if (this.#isFull(counts)) return false;
    this.#byNetwork.set(network, counts);
    place.network = network;
    counts.open++;
    if (!place.isAuthenticated) counts.unauthenticated++;
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

  #areAllFull(): boolean {
    const { connectionsMax, unauthenticatedMax } = this.limits;
    return this.#all.open >= connectionsMax || this.#all.unauthenticated >= unauthenticatedMax;
  }

  #isFull({ open, unauthenticated }: Counts): boolean {
    const { connectionsPerAddressMax, unauthenticatedPerAddressMax } = this.limits;
    return open >= connectionsPerAddressMax || unauthenticated >= unauthenticatedPerAddressMax;
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
    const { network } = place;
    if (network !== undefined && this.#byNetwork.get(network)?.open === 0) this.#byNetwork.delete(network);
  }

  #countsOf({ network }: Place): Counts[] {
    const counts = network === undefined ? undefined : this.#byNetwork.get(network);
    return counts ? [this.#all, counts] : [this.#all];
  }
}

/** The other end's address and port: the same for a TLS socket and the TCP socket under it. Undefined once gone. */
export function nameOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

import type { Socket } from "node:net";
import { networkOf } from "../transport/index.js";
import type { ServerLimits } from "./limits.js";

/** A socket's place among those that are open: given up when it closes. */
interface Place {
  /** Whom it counts for; nobody yet, where a proxy has still to say so. */
  network: string | undefined;
  isAuthenticated: boolean;
}

/** Why a connection was cut: a limit on connections, and its value. */
export interface ReachedLimit {
  readonly limit: keyof ServerLimits;
  readonly max: number;
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
   * Takes in a new TCP connection, or cuts it.
   *
   * @param address Of who connects; undefined where a proxy has still to say whom it speaks for.
   * @returns The limit it would exceed.
   */
  admit(socket: Socket, address: string | undefined): ReachedLimit | undefined {
    const name = nameOf(socket);
    const reached = this.#reached("connectionsMax", "unauthenticatedMax", this.#all);
    if (name === undefined || reached) {
      socket.destroy(); // without a name it is gone already
      return reached;
    }
    this.#places.set(name, { network: undefined, isAuthenticated: false });
    this.#sockets.add(socket);
    this.#all.open++;
    this.#all.unauthenticated++;
    socket.once("close", () => this.#leave(socket, name));
    const exceeded = address === undefined ? undefined : this.settle(name, address);
    if (exceeded) socket.destroy();
    return exceeded;
  }

  /**
   * Counts a connection for the network of `address`, once, while it is open.
   *
   * @returns The limit it would exceed: then it is to be ended.
   */
  settle(name: string, address: string): ReachedLimit | undefined {
    const place = this.#places.get(name);
    if (place === undefined || place.network !== undefined) return undefined;
    const network = networkOf(address);
    const counts = this.#byNetwork.get(network) ?? { open: 0, unauthenticated: 0 };
    const reached = this.#reached("connectionsPerAddressMax", "unauthenticatedPerAddressMax", counts);
    if (reached) return reached;
    this.#byNetwork.set(network, counts);
    place.network = network;
    counts.open++;
    if (!place.isAuthenticated) counts.unauthenticated++;
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

  #reached(
    ofOpen: keyof ServerLimits,
    ofUnauthenticated: keyof ServerLimits,
    counts: Counts,
  ): ReachedLimit | undefined {
    const { [ofOpen]: openMax, [ofUnauthenticated]: unauthenticatedMax } = this.limits;
    if (counts.open >= openMax) return { limit: ofOpen, max: openMax };
    if (counts.unauthenticated < unauthenticatedMax) return undefined;
    return { limit: ofUnauthenticated, max: unauthenticatedMax };
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

import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { KeysagaError, printable, toKeysagaError } from "../base/index.js";
import type { Address } from "../ibgib/index.js";
import { type PeerEvent, type Receiver, systemPlatform } from "../peer/index.js";
import { sagaLimits } from "../saga/index.js";
import type { Connection } from "../transport/index.js";
import {
  createWebSocketAcceptor,
  refuseUpgrade,
  type WebSocketAcceptor,
} from "../transport/websocket-acceptor-node.js";
import { addressOf } from "../transport/websocket-connection-node.js";
import { Doorkeeper, nameOf, type ReachedLimit } from "./doorkeeper.js";
import { type ServerLimits, serverLimits } from "./limits.js";
import { Proxies, type TrustProxy, takeProxyHeader } from "./proxies.js";
import { Readiness } from "./readiness.js";

export interface ServeOptions {
  /** Makes the receiver, once it is known where it listens; it is closed with the server. */
  readonly receiver: (url: string) => Receiver | Promise<Receiver>;
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** PEM texts. Without them the server speaks `ws://`. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Origins of web pages that may connect, as browsers send them: `https://app.example`. A page of any other origin
   * is refused; what is no browser sends none, and is not asked for one.
   */
  readonly origins?: readonly string[];
  /** Proxies in front of this server: limits and log then go by the addresses of their clients. */
  readonly trustProxy?: TrustProxy;
  readonly limits?: Partial<ServerLimits>;
  readonly log?: (event: ServerEvent) => void;
}

/** What a log may tell of a connection. */
export type ServerEvent =
  | ({ readonly kind: "refused"; readonly from: string } & Refusal)
  | {
      readonly kind: "peer";
      readonly from: string;
      /** Once it is proved, and its session stored. */
      readonly identity: Address | undefined;
      readonly event: PeerEvent;
    };

/** Why a connection was not let in. */
export type Refusal =
  /** `proxy`: a proxy did not say for whom it connects, or not in time. */
  | { readonly reason: "starting" | "draining" | "proxy" }
  /** A limit on connections was reached. */
  | ({ readonly reason: "busy" } & ReachedLimit)
  /** A page of that origin may not connect; the text is the page's, `printable`. */
  | { readonly reason: "origin"; readonly origin: string };

export interface ReceiverServer {
  /** Where it listens: `ws://127.0.0.1:4747`, or `wss://`. */
  readonly url: string;
  readonly port: number;
  readonly receiver: Receiver;
  /**
   * Drains: nobody new is let in and `/readyz` says 503, sagas under way finish for up to `graceMs`, then everything
   * ends. Idempotent: later calls wait for the first. Resolves when no socket, timer or listener is left.
   */
  close(graceMs?: number): Promise<void>;
}

type Phase =
  | { readonly kind: "starting" }
  | { readonly kind: "accepting" | "draining"; readonly receiver: Receiver };

/**
 * Serves a receiver over WebSocket, with `/healthz` (200 while the process is up) and `/readyz` beside it: 200 only while it
 * accepts and can store, else 503 and why. Resolves exactly when a sender can connect.
 *
 * @throws KeysagaError `port_in_use`, `cannot_listen`, `tls_refused`, `wrong_proxy_address`, and what making the receiver
 *   throws.
 */
export async function serve(options: ServeOptions): Promise<ReceiverServer> {
  const limits = { ...serverLimits, ...options.limits };
  const door = new Door(options, limits);
  const server = createHttpServer(options, limits, async (request, response) => {
    const { status, text } = await door.answer(request);
    response.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store" }).end(text);
  });
  standInFront(server, (socket, letIn) => door.meet(socket, letIn));
  server.on("upgrade", (request, socket, head) => door.upgrade(request, socket, head));
  const port = await listen(server, options);
  const url = urlOf(options, port);
  try {
    const receiver = await options.receiver(url);
    door.open(receiver);
    return { url, port, receiver, close: closeOnce(server, door) };
  } catch (thrown) {
    await stop(server, door);
    throw thrown;
  }
}

/** Who may come in, and where to. */
class Door {
  /** What is larger than any message of the protocol is not let in: a thousand strangers may each hold one. */
  readonly acceptor: WebSocketAcceptor = createWebSocketAcceptor({
    timers: systemPlatform.timers,
    messageBytesMax: sagaLimits.payloadBytesMax,
  });
  readonly keeper: Doorkeeper;
  readonly #readiness = new Readiness();
  readonly #proxies: Proxies;
  /** Clients of connections that began with a PROXY header. */
  readonly #clients = new Map<string, string>();
  #phase: Phase = { kind: "starting" };

  constructor(
    private readonly options: ServeOptions,
    private readonly limits: ServerLimits,
  ) {
    this.keeper = new Doorkeeper(limits);
    this.#proxies = new Proxies(options.trustProxy);
  }

  open(receiver: Receiver): void {
    this.#phase = { kind: "accepting", receiver };
  }

  /** Lets nobody in any more; resolves when the sagas under way are over, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    if (this.#phase.kind === "starting") return;
    const { receiver } = this.#phase;
    this.#phase = { kind: "draining", receiver };
    await receiver.close(graceMs);
  }

  /** Lets a new TCP connection in, or cuts it: that of a proxy which speaks first once it has said for whom. */
  meet(socket: Socket, letIn: () => void): void {
    const from = addressOf(socket);
    const isProxy = this.#proxies.isProxy(from);
    const reached = this.keeper.admit(socket, isProxy ? undefined : from);
    if (reached) return this.#refused(from, { reason: "busy", ...reached });
    if (this.#proxies.speaksFirst(from)) void this.#hearProxy(socket, from, letIn);
    else letIn();
  }

  async #hearProxy(socket: Socket, from: string, letIn: () => void): Promise<void> {
    socket.on("error", () => {}); // nobody else listens before it is let in
    const name = nameOf(socket);
    try {
      const said = await takeProxyHeader(socket, systemPlatform.timers, this.limits.headersTimeoutMs);
      const client = said ?? from;
      if (name === undefined || socket.destroyed) return; // its place was given up, or will be
      const reached = this.keeper.settle(name, client);
      if (reached) return this.#cut(socket, client, { reason: "busy", ...reached });
      this.#clients.set(name, client);
      socket.once("close", () => this.#clients.delete(name));
      letIn();
    } catch (thrown) {
      // A proxy that connects and closes looks whether somebody listens.
      if (toKeysagaError(thrown).code === "connection_lost") socket.destroy();
      else this.#cut(socket, from, { reason: "proxy" });
    }
  }

  /** The two things that HTTP serves; whatever else is asked for is not there. */
  async answer({ method, url }: IncomingMessage): Promise<{ status: number; text: string }> {
    const isRead = method === "GET" || method === "HEAD";
    if (isRead && url === "/healthz") return { status: 200, text: "ok\n" };
    if (isRead && url === "/readyz") return this.#ready();
    return { status: 404, text: "" };
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const phase = this.#phase;
    const name = nameOf(request.socket);
    const from = this.#clientOf(request, name);
    if (phase.kind !== "accepting") return this.#refuse(socket, from, { reason: phase.kind });
    const { origin } = request.headers;
    if (!this.#isAllowed(origin))
      return this.#refuse(socket, from, { reason: "origin", origin: printable(origin ?? "") });
    const reached = name === undefined ? undefined : this.keeper.settle(name, from);
    if (reached) return this.#refuse(socket, from, { reason: "busy", ...reached });
    const accept = (connection: Connection) => this.#accept(phase.receiver, connection, name);
    this.acceptor.handleUpgrade(request, socket, head, accept, from);
  }

  #clientOf({ socket, headers }: IncomingMessage, name: string | undefined): string {
    const told = name === undefined ? undefined : this.#clients.get(name);
    return told ?? this.#proxies.clientOf(addressOf(socket), headers["x-forwarded-for"]);
  }

  async #ready(): Promise<{ status: number; text: string }> {
    const phase = this.#phase;
    if (phase.kind !== "accepting") return { status: 503, text: `${phase.kind}\n` };
    const reason = await this.#readiness.reason(phase.receiver);
    return reason === undefined ? { status: 200, text: "ready\n" } : { status: 503, text: `${reason}\n` };
  }

  /** What is no browser sends no origin. */
  #isAllowed(origin: string | undefined): boolean {
    return origin === undefined || (this.options.origins ?? []).includes(origin);
  }

  #accept(receiver: Receiver, connection: Connection, name: string | undefined): void {
    const from = connection.remoteAddress;
    let identity: Address | undefined;
    receiver.accept(connection, (event) => {
      if (event.kind === "connected") {
        identity = event.identity;
        if (name !== undefined) this.keeper.authenticated(name);
      }
      this.#readiness.hear(event);
      this.options.log?.({ kind: "peer", from, identity, event });
    });
  }

  #refuse(socket: Duplex, from: string, refusal: Refusal): void {
    this.#refused(from, refusal);
    refuseUpgrade(socket, refusal.reason === "origin" ? 403 : 503);
  }

  #cut(socket: Socket, from: string, refusal: Refusal): void {
    this.#refused(from, refusal);
    socket.destroy();
  }

  #refused(from: string, refusal: Refusal): void {
    this.options.log?.({ kind: "refused", from, ...refusal });
  }
}

/** Has `meet` see each new connection before the server does, which gets those that are let in. */
function standInFront(server: Server, meet: (socket: Socket, letIn: () => void) => void): void {
  const own = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket) =>
    meet(socket, () => {
      for (const listener of own) Reflect.apply(listener, server, [socket]);
    }),
  );
}

function createHttpServer({ tls }: ServeOptions, limits: ServerLimits, onRequest: RequestListener): Server {
  const settings = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.connectionsCheckingIntervalMs,
    maxHeaderSize: limits.headerBytesMax,
  };
  if (tls === undefined) return createServer(settings, onRequest);
  try {
    const server = createTlsServer(
      { ...settings, ...tls, handshakeTimeout: limits.headersTimeoutMs },
      onRequest,
    );
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  } catch (cause) {
    throw new KeysagaError("tls_refused", {}, { cause });
  }
}

async function listen(server: Server, { host, port }: ServeOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const code = error.code === "EADDRINUSE" ? "port_in_use" : "cannot_listen";
      reject(new KeysagaError(code, { host, port, reason: error.code }, { cause: error }));
    };
    server.once("error", fail);
    server.listen({ host, port }, () => {
      server.off("error", fail);
      server.on("error", () => {}); // a connection that could not be taken in, as when descriptors run out
      resolve();
    });
  });
  // A server that listens on a port, and not on a pipe, has an address of this shape.
  return (server.address() as AddressInfo).port;
}

function urlOf({ host, tls }: ServeOptions, port: number): string {
  return `${tls ? "wss" : "ws"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function closeOnce(server: Server, door: Door): (graceMs?: number) => Promise<void> {
  let closed: Promise<void> | undefined;
  return (graceMs = 0) => {
    closed ??= drain(server, door, graceMs);
    return closed;
  };
}

async function drain(server: Server, door: Door, graceMs: number): Promise<void> {
  await door.drain(graceMs);
  await stop(server, door);
}

async function stop(server: Server, { acceptor, keeper }: Door): Promise<void> {
  const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
  await acceptor.close();
  keeper.cutAll();
  await stopped;
}

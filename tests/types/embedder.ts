/** What an embedder writes, beside the README and examples/, and the types it gets. Compiled by `npm run types`, never run. */
import {
  type Access,
  type Address,
  type Connection,
  createInvite,
  createReceiver,
  createSender,
  createTimeline,
  type Dial,
  dialWebSocket,
  type EntryState,
  type ErrorCode,
  type Explanation,
  errorTable,
  type Facts,
  type IbGib,
  type Identity,
  InnerSpace,
  isErrorCode,
  type JsonObject,
  KeysagaError,
  type Left,
  type LeftOut,
  type LeftReason,
  type Message,
  type MergeFunction,
  mergeFunctions,
  type PeerEvent,
  parseAddress,
  type ReceiptBundle,
  type ReceiverOptions,
  type RecordStatus,
  type Space,
  share,
  spaceLimits,
  type Store,
  StoreSpace,
  type SyncReport,
  systemPlatform,
  type TotalsOfBoth,
  unshare,
  type Verification,
  verifySpace,
  whoMay,
} from "keysaga";
import { type Home, openHome, openSpaceOn, type ReceiverServer, serve } from "keysaga/node";
import { createWorld, type SenderPeer } from "keysaga/testing";
import { expectTypeOf } from "vitest";

export async function senders(identity: Identity, dial: Dial, pin: Address, roots: readonly Address[]) {
  const sender = createSender({ identity, url: "wss://sync.example", pin, limits: { bytesMax: 1 } });
  createSender({
    identity,
    dial,
    audience: "wss://sync.example",
    reconnect: { triesMax: 3 },
    access: "open",
  });
  createSender({ identity, invite: "text", tls: { ca: "PEM" } });

  const report = await sender.sync(roots, {
    direction: "pull",
    linkedMax: 20,
    signal: AbortSignal.timeout(1),
  });
  expectTypeOf(report).toEqualTypeOf<SyncReport>();
  expectTypeOf(report.left).toEqualTypeOf<readonly Left[]>();
  expectTypeOf(report.left[0]!.reason).toEqualTypeOf<LeftReason>();
  expectTypeOf(report.totals).toEqualTypeOf<TotalsOfBoth>();
  expectTypeOf(report.totals.up.records).toBeNumber();
  expectTypeOf(report.receipt).toEqualTypeOf<ReceiptBundle>();
  expectTypeOf(await sender.status(pin)).toEqualTypeOf<RecordStatus | undefined>();
  expectTypeOf(await sender.explain(pin)).toEqualTypeOf<Explanation>();
}

export async function receivers(identity: Identity, member: Address) {
  const options: ReceiverOptions = {
    identity,
    audiences: ["wss://sync.example"],
    admission: { kind: "ask", admit: (asking) => asking === member },
    access: (who, action, first) => {
      expectTypeOf(who).toEqualTypeOf<Address>();
      expectTypeOf(action).toEqualTypeOf<Access>();
      expectTypeOf(first).toEqualTypeOf<IbGib>();
      return undefined; // what the lists say
    },
    limits: { idleTimeoutMs: 1, durableBytesMax: 1 },
    onEvent: (event, from) => {
      expectTypeOf(event).toEqualTypeOf<PeerEvent>();
      expectTypeOf(from.identity).toEqualTypeOf<Address | undefined>();
    },
  };
  const receiver = await createReceiver(options);
  await receiver.admit(member);
  expectTypeOf(await createInvite(identity, { url: "wss://sync.example", expiresInMs: 1 })).toHaveProperty(
    "text",
  );
  return receiver;
}

export async function servers(home: Home) {
  const server = await serve({
    host: "::1",
    port: 0,
    receiver: () => receivers(home.identity, home.identity.address),
  });
  expectTypeOf(server).toEqualTypeOf<ReceiverServer>();
  expectTypeOf(await openHome({ dir: "home", passphrase: async () => "text" })).toEqualTypeOf<Home>();
}

/** Its kind says what an event holds; a kind that is added later does not compile until it is answered. */
export function events(event: PeerEvent): string {
  switch (event.kind) {
    case "connected":
      return event.lane;
    case "progress":
      expectTypeOf(event.direction).toEqualTypeOf<"up" | "down">();
      return `${event.records} of ${event.total}`;
    case "left":
      expectTypeOf(event.reason).toEqualTypeOf<LeftReason>();
      return event.timeline;
    case "closed":
      return event.error?.code ?? "ended";
    case "refused":
    case "dropped":
    case "reconnecting":
    case "gaveUp":
      expectTypeOf(event.code).toEqualTypeOf<ErrorCode>();
      return event.code;
    case "started":
    case "merged":
    case "conflict":
    case "staysAway":
    case "kept":
    case "resumed":
    case "durable":
      return event.saga;
    case "admitted":
      return event.identity;
    case "turn":
    case "payload":
      return event.from;
    case "waiting":
      return event.reason;
    case "behind":
      return event.receiver;
    case "reconnected":
      return String(event.tries);
  }
}

export function failures(thrown: unknown, told: string): string {
  if (isErrorCode(told)) expectTypeOf(told).toEqualTypeOf<ErrorCode>();
  if (!(thrown instanceof KeysagaError)) throw thrown;
  expectTypeOf(thrown.facts).toEqualTypeOf<Facts>();
  expectTypeOf(errorTable[thrown.code].retryable).toBeBoolean();
  expectTypeOf(errorTable[thrown.code].remedy).toBeString();
  new KeysagaError("limit_exceeded", { side: "ours", limit: "bytesMax", max: 1 });
  return thrown.code === "limit_exceeded" ? String(thrown.facts["limit"]) : thrown.message;
}

export async function rights(me: Identity, other: Address, timeline: Address) {
  const { back } = await share(me, {
    timeline,
    with: other,
    access: "read",
    uses: { max: 1, receiver: other },
  });
  expectTypeOf(back).toEqualTypeOf<readonly LeftOut[]>();
  const [entry] = await whoMay(me, timeline);
  expectTypeOf(entry!.state).toEqualTypeOf<EntryState>();
  expectTypeOf(entry!.with).toEqualTypeOf<Address>();
  const sender = createSender({ identity: me, url: "wss://sync.example" });
  const { leaves } = await unshare(me, { timeline, from: other, at: sender });
  expectTypeOf(leaves).toEqualTypeOf<readonly LeftOut[]>();
}

export async function stores(store: Store) {
  const space = new StoreSpace(store, {
    limits: { ...spaceLimits, stagedBytesInSpaceMax: 1 },
    opener: "name",
  });
  expectTypeOf(space).toExtend<Space>();
  expectTypeOf(await openSpaceOn(store)).toEqualTypeOf<Space>();
  expectTypeOf(new InnerSpace()).toExtend<Space>();
  for await (const found of verifySpace(space)) {
    expectTypeOf(found).toEqualTypeOf<Verification>();
    if (found.kind === "problem") expectTypeOf(found.problem.at).toBeString();
    else expectTypeOf(found.counts.records).toBeNumber();
  }
}

/** A transport of one's own: bytes and texts go to and fro, in order. */
export function transport(port: MessagePort): Dial {
  const connection: Connection = {
    remoteAddress: "port",
    channelBinding: undefined,
    bufferedBytes: 0,
    start: ({ message, closed }) => {
      port.onmessage = ({ data }) => message(data as Message);
      port.onmessageerror = () => closed(new KeysagaError("connection_lost"));
    },
    send: (message) => port.postMessage(message),
    drained: async () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    close: async () => port.close(),
  };
  return async (signal) => {
    expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
    return connection;
  };
}

export const dialled: Dial = dialWebSocket("wss://sync.example", {
  timers: systemPlatform.timers,
  pingIntervalMs: 1,
});

export function records(me: Identity, text: string) {
  const note = createTimeline({
    ib: "note",
    data: { text, at: 1 },
    owner: me.address,
    uuid: crypto.randomUUID(),
  });
  expectTypeOf(note.address).toEqualTypeOf<Address>();
  expectTypeOf(note.data).toEqualTypeOf<JsonObject | Uint8Array | undefined>();
  expectTypeOf(parseAddress(text)).toEqualTypeOf<Address>();
  const longest: MergeFunction = { name: "longest", version: 1, merge: (_, ours) => ours };
  return mergeFunctions([{ kind: { ib: "note" }, function: longest }]);
}

export async function worlds() {
  const world = await createWorld({ senders: ["alice", "carol"], receivers: ["bob"] });
  const [alice, carol] = world.senders;
  expectTypeOf(alice).toEqualTypeOf<SenderPeer>();
  expectTypeOf(carol).toEqualTypeOf<SenderPeer>();
  expectTypeOf(world.transcript()).toEqualTypeOf<readonly string[]>();
}

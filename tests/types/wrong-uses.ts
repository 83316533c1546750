/** What must not compile. `npm run types` fails on each `@ts-expect-error` whose line is accepted. */
import {
  type Address,
  createReceiver,
  createSender,
  createTimeline,
  type Dial,
  type IbGib,
  type Identity,
  KeysagaError,
  mutate,
  type PeerEvent,
  type Receiver,
  receiverLimits,
  type Sender,
  type Space,
  type Store,
  StoreSpace,
  type SyncReport,
  share,
} from "keysaga";
// @ts-expect-error: a class that receivers are made of; `createReceiver` makes one
import { Quotas } from "keysaga";
// @ts-expect-error: the entry for browsers has no store on disk
import { openLmdbSpace } from "keysaga";
import { createHome, type Home, serve } from "keysaga/node";
import { createWorld } from "keysaga/testing";

void [Quotas, openLmdbSpace];

export function missing(identity: Identity, dial: Dial, receiver: () => Receiver, store: Store) {
  // @ts-expect-error: whose?
  createSender({ url: "wss://sync.example" });
  // @ts-expect-error: where?
  createSender({ identity });
  // @ts-expect-error: a dial does not say which audience it dials
  createSender({ identity, dial });
  // @ts-expect-error: either an address, or an invite, which has one
  createSender({ identity, url: "wss://sync.example", dial, audience: "wss://sync.example" });
  // @ts-expect-error: who is admitted?
  void createReceiver({ identity, audiences: [] });
  // @ts-expect-error: `allow-list` needs the list
  void createReceiver({ identity, audiences: [], admission: { kind: "allow-list" } });
  // @ts-expect-error: on which port?
  void serve({ host: "::1", receiver });
  // @ts-expect-error: where?
  void createHome({});
  // @ts-expect-error: which process opens it?
  new StoreSpace(store, {});
  // @ts-expect-error: a timeline's uuid is the caller's to draw
  createTimeline({ ib: "note" });
}

export async function wrong(identity: Identity, sender: Sender, text: string, timeline: Address) {
  // @ts-expect-error: a text is no address before parseAddress
  await sender.sync([text]);
  // @ts-expect-error: there is no such direction
  await sender.sync([timeline], { direction: "sideways" });
  // @ts-expect-error: roots are a list
  await sender.sync(timeline);
  // @ts-expect-error: to read or to write
  await share(identity, { timeline, with: timeline, access: "admin" });
  // @ts-expect-error: there is no such limit
  createSender({ identity, url: text, limits: { bytes: 1 } });
  // @ts-expect-error: a limit of receivers
  createSender({ identity, url: text, limits: { durableBytesMax: 1 } });
  // @ts-expect-error: there is no such policy
  createSender({ identity, url: text, access: "everyone" });
  // @ts-expect-error: `createSender` makes one
  new Sender();
  const { senders } = await createWorld({ senders: ["alice"] });
  // @ts-expect-error: one sender was asked for
  senders[1].name;
}

export function events(event: PeerEvent) {
  // @ts-expect-error: there is no such event
  if (event.kind === "finished") return;
  // @ts-expect-error: only some events have a saga
  event.saga;
  // @ts-expect-error: a turn is of no saga
  if (event.kind === "turn") event.saga;
}

export function errors() {
  // @ts-expect-error: there is no such code
  new KeysagaError("no_such_code");
  // @ts-expect-error: a limit says whose it is, its name and its value
  new KeysagaError("limit_exceeded", { limit: "bytesMax" });
  // @ts-expect-error: the same
  new KeysagaError("limit_exceeded");
  // @ts-expect-error: facts are plain values
  new KeysagaError("internal", { cause: new Error("text") });
}

export function readonly(home: Home, record: IbGib, report: SyncReport, space: Space, error: KeysagaError) {
  // @ts-expect-error
  home.identity.address = record.address;
  // @ts-expect-error
  record.ib = "other";
  // @ts-expect-error
  record.data = {};
  // @ts-expect-error
  report.left.push();
  // @ts-expect-error
  report.totals.up.records = 0;
  // @ts-expect-error
  error.code = "internal";
  // @ts-expect-error
  error.facts["limit"] = "other";
  // @ts-expect-error
  receiverLimits.keptMs = 1;
  // @ts-expect-error: a record is no tip to go on from before it is read
  mutate(space.tip(record.address), {});
}

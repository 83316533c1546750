import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Address,
  createIdentity,
  createReceiver,
  createSender,
  createTimeline,
  dialWebSocket,
  type IbGib,
  type Identity,
  InnerSpace,
  mutate,
  systemPlatform,
} from "../../src/index.js";
import { type ReceiverServer, serve } from "../../src/node/index.js";
import { saveRecords } from "../../src/peer/index.js";
import { fakeTimers } from "../transport/timers.js";
import { abuses } from "./abuses.js";
import { RawClient, upgradeRequest } from "./raw-client.js";
import { eventually, patient } from "../waiting.js";

/** Time passes for the receiver with each honest sync, so that a stranger has the same time on every machine. */
const time = fakeTimers();
const msPerSync = 500;

let server: ReceiverServer;
let identity: Identity;
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", note).on("uncaughtException", note);
  identity = await createIdentity({ space: new InnerSpace(), secret: random(), recoverySecret: random() });
  const { timers, elapsed } = time;
  const platform = { ...systemPlatform, timers, clock: { now: () => Date.now(), elapsed } };
  server = await serve({
    host: "127.0.0.1",
    port: 0,
    limits: { headersTimeoutMs: 4_000, requestTimeoutMs: 4_000, connectionsCheckingIntervalMs: 100 },
    receiver: (url) =>
      createReceiver({
        ...{ identity, audiences: [url], admission: { kind: "open" }, platform },
        limits: { newIdentitiesPerAddressPerHour: 1_000 },
      }),
  });
});

afterAll(async () => {
  await server.close();
  process.off("unhandledRejection", note).off("uncaughtException", note);
});

const random = () => systemPlatform.random.bytes(32);

/** Somebody honest, who edits a note and syncs it, each time over a connection of its own. */
class Honest {
  synced = 0;
  #tip: IbGib | undefined;

  private constructor(private readonly self: Identity) {}

  static async create(): Promise<Honest> {
    return new Honest(
      await createIdentity({ space: new InnerSpace(), secret: random(), recoverySecret: random() }),
    );
  }

  get note(): Address | undefined {
    return this.#tip?.rel8ns?.["tjp"]?.[0] ?? this.#tip?.address;
  }

  /** Edits and syncs. @throws what `sync` throws. */
  async sync(): Promise<void> {
    const { self } = this;
    const next = this.#tip
      ? mutate(this.#tip, { text: `${this.synced}` })
      : createTimeline({ ib: "note", owner: self.address, uuid: self.address });
    await saveRecords(self, [next]);
    this.#tip = next;
    const { url } = server;
    const { timers } = systemPlatform;
    const { handshakeTimeoutMs } = patient;
    const sender = createSender({
      identity: self,
      audience: url,
      dial: dialWebSocket(url, { timers, handshakeTimeoutMs }),
      limits: patient,
    });
    try {
      await sender.sync([this.note!]);
      this.synced++;
    } finally {
      await sender.disconnect();
    }
  }

  /** Its newest frame is the receiver's tip. */
  async isThere(): Promise<boolean> {
    return (await identity.space.tip(this.note!))?.address === this.#tip?.address;
  }
}

/** Runs `abuse` while somebody honest syncs, at least twice; nothing of the abuse is left then. */
async function amidHonestSagas<Result>(abuse: () => Promise<Result>): Promise<Result> {
  const honest = await Honest.create();
  let isOver = false;
  const goOn = async () => {
    while (!isOver || honest.synced < 2) {
      await honest.sync();
      time.advance(msPerSync);
    }
  };
  const going = goOn();
  going.catch(() => undefined); // seen below
  try {
    return await abuse();
  } finally {
    isOver = true;
    await going;
    expect(await honest.isThere()).toBe(true);
    expect(await eventually(() => server.receiver.sessionCount === 0)).toBe(true);
    expect(unhandled).toEqual([]);
  }
}

describe("while honest sagas go on, a stranger who (threats 17, 21, 24)", () => {
  test.each(Object.entries(abuses))("%s", async (_, { ends, run }) => {
    expect(await amidHonestSagas(() => run(server.port))).toBe(ends);
  });

  test("does all of this at once, four times over, from as many networks", async () => {
    const ended = await amidHonestSagas(() =>
      Promise.all(
        Array.from({ length: 4 }, () => Object.values(abuses))
          .flat()
          .map(({ run }) => run(server.port)),
      ),
    );
    const ends = Object.values(abuses).map((abuse) => abuse.ends);
    expect(ended).toEqual([...ends, ...ends, ...ends, ...ends]);
  });

  test("floods it with connections from one address takes no place but its own", async () => {
    const held = 20;
    const flood = await amidHonestSagas(async () => {
      const clients = Array.from({ length: 300 }, () => new RawClient(server.port, "127.0.0.67"));
      for (const client of clients) client.write(upgradeRequest());
      await eventually(() => clients.filter(({ isOver }) => isOver).length >= clients.length - held);
      const upgraded = clients.filter(({ head }) => head !== undefined).length;
      for (const client of clients) client.destroy();
      return upgraded;
    });
    expect(flood).toBe(held);
  });
});

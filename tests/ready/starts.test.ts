/** Every way to start, and what was said to be done: it is so at that moment, for everyone who looks. */
import { get } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  type Address,
  admitIdentity,
  createIdentity,
  createInvite,
  createReceiver,
  createSender,
  createTimeline,
  expelIdentity,
  type Identity,
  InnerSpace,
  type Space,
  saveRecords,
  share,
  unshare,
  whoMay,
} from "../../src/index.js";
import {
  createHome,
  type Home,
  homeAddress,
  openHome,
  openLmdbSpace,
  type ReceiverServer,
  serve,
} from "../../src/node/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { codeOf } from "../protocol/lab.js";
import { newDirectory } from "../space/homes.js";

const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 1);

function newIdentity(): Promise<Identity> {
  const { random } = systemPlatform;
  return createIdentity({
    space: new InnerSpace(),
    secret: random.bytes(32),
    recoverySecret: random.bytes(32),
  });
}

/** A home that is served on a port of its own, or on the one it had. */
async function start(home: Home, port = 0): Promise<ReceiverServer> {
  const receiver = (url: string) =>
    createReceiver({ identity: home.identity, audiences: [url], admission: { kind: "invite" } });
  const server = await serve({ host: "127.0.0.1", port, receiver });
  onTestFinished(() => server.close());
  return server;
}

async function connectOnce(identity: Identity, url: string): Promise<string> {
  const sender = createSender({ identity, url });
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  return code;
}

function statusOf(server: Pick<ReceiverServer, "port">): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port: server.port, path: "/readyz", agent: false }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode));
    });
    request.once("error", reject);
  });
}

/** A home as it is on each way to a start. */
const starts: Readonly<Record<string, (dir: string) => Promise<Home>>> = {
  "the first start": async (dir) => {
    await createHome({ dir });
    return openHome({ dir });
  },
  "a restart": async (dir) => {
    await createHome({ dir });
    const home = await openHome({ dir });
    const server = await start(home);
    await server.close();
    await home.close();
    return openHome({ dir });
  },
  "a start beside one that is at work": async (dir) => {
    await createHome({ dir });
    await start(await openHome({ dir }));
    return openHome({ dir });
  },
  "a home that has to be unlocked": async (dir) => {
    await createHome({ dir, passphrase: "open sesame" });
    return openHome({ dir, passphrase: async () => "open sesame" });
  },
};

for (const [name, opened] of Object.entries(starts)) {
  test(`ready means ready: ${name}`, async () => {
    const isSlow = name.includes("unlocked"); // scrypt takes its time, on purpose
    for (let round = 0; round < (isSlow ? 1 : rounds); round++) {
      const home = await opened(join(newDirectory(), "home"));
      const [alice, carol, stranger] = [await newIdentity(), await newIdentity(), await newIdentity()];
      const { url, port, receiver, close } = await start(home);
      // All in the tick of the answer.
      const admitted = receiver.admit(alice.address).then(() => connectOnce(alice, url));
      const refused = connectOnce(stranger, url);
      const invited = createInvite(home.identity, { url, expiresInMs: 60_000 }).then(({ text }) =>
        codeOf(createSender({ identity: carol, invite: text }).connect()),
      );
      const outcomes = await Promise.all([admitted, refused, invited, statusOf({ port })]);
      expect(outcomes).toEqual(["none", "auth_fail", "none", 200]);
      await close();
      await expect(statusOf({ port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
      // What was said before holds after a restart, at once.
      const again = await start(home, port);
      expect(await Promise.all([connectOnce(alice, url), connectOnce(carol, url)])).toEqual(["none", "none"]);
      await again.close();
      await home.close();
    }
  });
}

test("before it is ready nothing says that it is", async () => {
  const home = await starts["the first start"]!(join(newDirectory(), "home"));
  const alice = await newIdentity();
  const seen: unknown[] = [];
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    receiver: async (url) => {
      const port = Number(new URL(url).port);
      seen.push(await statusOf({ port }), await connectOnce(alice, url));
      return createReceiver({ identity: home.identity, audiences: [url], admission: { kind: "open" } });
    },
  });
  expect(seen).toEqual([503, "cannot_connect"]);
  expect(await Promise.all([statusOf(server), connectOnce(alice, server.url)])).toEqual([200, "none"]);
  await server.close();
  await home.close();
});

/** What each call has left when it says that it is done, as another process sees it. */
test("what is said to be done is in the store, for whoever opens it", async () => {
  const dir = join(newDirectory(), "home");
  const { address } = await createHome({ dir });
  expect(await homeAddress(dir)).toBe(address);
  const home = await openHome({ dir });
  const there = await openLmdbSpace({ path: join(dir, "store") });
  const { identity } = home;
  const keys = async (prefix: string) => (await there.cells(prefix)).length;

  const { id } = await createInvite(identity, { url: "wss://sync.example", expiresInMs: 60_000 });
  expect(await there.cell(`invite/${id}`)).toBeDefined();
  const carol = await newIdentity();
  await admitIdentity(identity, carol.address);
  expect(await keys("admission/")).toBe(1);
  await expelIdentity(identity, carol.address);
  expect(JSON.parse(await cellText(there, `admission/${carol.address}`))).toEqual({ state: "expelled" });
  const note = createTimeline({ ib: "note", owner: address, uuid: "1" });
  await saveRecords(identity, [note]);
  expect(await there.tip(note.address)).toMatchObject({ address: note.address });
  await share(identity, { timeline: note.address, with: carol.address, access: "read" });
  expect(await whoMay({ space: there }, note.address)).toMatchObject([{ state: "in_force" }]);
  await unshare(identity, { timeline: note.address, from: carol.address });
  expect(await whoMay({ space: there }, note.address)).toMatchObject([{ state: "withdrawn" }]);

  const other = await openHome({ dir: await newHome() });
  const server = await serve({
    host: "127.0.0.1",
    port: 0,
    receiver: (url) =>
      createReceiver({ identity: other.identity, audiences: [url], admission: { kind: "open" } }),
  });
  const atReceiver = await openLmdbSpace({ path: join(other.dir, "store") });
  const sender = createSender({ identity, url: server.url });
  await sender.connect();
  expect(await keys("lane-to/")).toBe(1);
  expect(JSON.parse(await cellText(there, `pin/${server.url}`))).toEqual({
    receiver: other.identity.address,
  });
  expect(await atReceiver.cells("lane/")).toHaveLength(1);
  expect(await atReceiver.proofs(address)).not.toEqual([]);
  await sender.sync([note.address]);
  expect(await atReceiver.tip(note.address)).toMatchObject({ address: note.address });
  expect(await keys("receipt/")).toBe(1);

  await sender.disconnect();
  await server.close();
  for (const each of [there, atReceiver]) await each.close();
  for (const each of [home, other]) await each.close();
});

async function newHome(): Promise<string> {
  const dir = join(newDirectory(), "other");
  await createHome({ dir });
  return dir;
}

async function cellText(space: Space, key: string | Address): Promise<string> {
  return new TextDecoder().decode(await space.cell(key));
}

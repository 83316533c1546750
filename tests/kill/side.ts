/**
 * One side of a kill story, in a process of its own: a sender or a receiver on an LMDB home over a loopback WebSocket.
 * It takes orders from its standard input, a line of JSON each, and prints what it acknowledges, before it goes on.
 */
import { openSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { KeysagaError } from "../../src/base/index.js";
import { readSecret } from "../../src/node/device-secret.js";
import { readIdentityFile } from "../../src/node/identity-file.js";
import {
  createReceiver,
  createSender,
  type Identity,
  openIdentity,
  systemPlatform,
} from "../../src/peer/index.js";
import { openSpaceOn } from "../../src/space/lmdb-space.js";
import { openLmdbStore } from "../../src/space/lmdb-store.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { createWebSocketAcceptor } from "../../src/transport/websocket-acceptor-node.js";
import { dyingConnection, dyingStore } from "./dying.js";
import { edit } from "./edit.js";
import type { Death, Job, Line, Order, Round, Step } from "./steps.js";

const { timers } = systemPlatform;
let death: (Death & { left: number }) | undefined;
let takeRound: (round: Round) => Promise<void> = () => Promise.reject(new Error("no sender"));

createInterface({ input: process.stdin })
  .on("line", (line) => void obey(JSON.parse(line)))
  .on("close", () => process.exit()); // the story is over
print({ kind: "loaded" });

async function obey(order: Order): Promise<void> {
  if ("die" in order) death = { ...order.die, left: order.die.at };
  if ("job" in order) await begin(order.job);
  if ("round" in order) await takeRound(order.round).finally(() => print({ kind: "round over" }));
}

function print(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function reached(step: Step): void {
  if (death?.step === step && --death.left === 0) process.kill(process.pid, "SIGKILL");
}

async function begin(job: Job): Promise<void> {
  const identity = await openHomeDying(job.home);
  const saidFile = openSync(job.saidFile, "a");
  if (job.role === "receiver") await listen(identity, job.port, saidFile);
  else takeRound = senderOf(identity, job, saidFile);
  print({ kind: "open" });
}

/** As `openHome`, over a store that may end the process. */
async function openHomeDying(dir: string): Promise<Identity> {
  const file = await readIdentityFile(dir);
  if (file === undefined) throw new Error(`${dir} is no home`);
  const secret = await readSecret(file.secret, file.identity, undefined);
  return openIdentity({
    space: await openSpaceOn(dyingStore(await openLmdbStore(`${dir}/store`), reached)),
    secret,
  });
}

const audienceAt = (port: number) => `ws://127.0.0.1:${port}`;

async function listen(identity: Identity, port: number, saidFile: number): Promise<void> {
  const receiver = await createReceiver({
    identity,
    audiences: [audienceAt(port)],
    admission: { kind: "open" },
  });
  const acceptor = createWebSocketAcceptor({ timers });
  const server = createServer().on("upgrade", (request, socket, head) =>
    acceptor.handleUpgrade(request, socket, head, (connection) =>
      receiver.accept(dyingConnection(connection, reached, saidFile)),
    ),
  );
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
}

function senderOf(identity: Identity, { port, timeline }: Job, saidFile: number) {
  let dialled = port;
  const sender = createSender({
    identity,
    audience: audienceAt(port),
    dial: async (signal) =>
      dyingConnection(await dialWebSocket(audienceAt(dialled), { timers })(signal), reached, saidFile),
  });
  return async (round: Round) => {
    dialled = round.port;
    print({ kind: "saved", tips: await edit(identity, timeline, round.isLarge) });
    try {
      const { tips } = await sender.sync([timeline]);
      print({ kind: "synced", tips });
    } catch (thrown) {
      print({ kind: "failed", code: thrown instanceof KeysagaError ? thrown.code : String(thrown) });
    }
    if (!round.keepsConnection) await sender.disconnect();
  };
}

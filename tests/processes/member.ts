/**
 * One of several processes of one home. Waits for the cell `go`, so that all start together; then it makes rounds of
 * calls at once: a connection of its own that syncs a stone, connects again, and shares a note with a new identity. Prints
 * a line for each call, `done WHAT ADDRESS` or `failed WHAT CODE`, then `end`.
 *
 *     member.ts PATH SECRET URL NAME ROUNDS [KILL-AFTER-COMMIT]
 *
 * With the last argument it kills itself with -9 as soon as that commit of its own is durable, before anyone is told.
 */
import { writeSync } from "node:fs";
import { argv, pid } from "node:process";
import { setTimeout } from "node:timers/promises";
import { fromHex, KeysagaError } from "../../src/base/index.js";
import { type Address, createTimeline, parseAddress, sealRecord } from "../../src/ibgib/index.js";
import { createSender, type Identity, openIdentity, saveRecords, share } from "../../src/peer/index.js";
import type { Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { patient } from "../waiting.js";

const [path = "", secret = "", url = "", name = "", rounds = "0", killAfter] = argv.slice(2);
const space = dying(await openLmdbSpace({ path }), Number(killAfter ?? Number.POSITIVE_INFINITY));
const identity = await openIdentity({ space, secret: fromHex(secret)! });
writeSync(1, "ready\n");
while ((await space.cell("go")) === undefined) await setTimeout(1);
const note = createTimeline({ ib: "note", owner: identity.address, uuid: `note of ${name}` });
await saveRecords(identity, [note]);
for (let round = 0; round < Number(rounds); round++) {
  await Promise.all([
    told("sync", () => syncStone(identity, round)),
    told("connect", () => connectOnce(identity)),
    told("share", () => shareWithSomebody(identity, round)),
  ]);
}
writeSync(1, "end\n");
await space.close();

async function told(what: string, call: () => Promise<Address>): Promise<void> {
  try {
    writeSync(1, `done ${what} ${await call()}\n`);
  } catch (thrown) {
    writeSync(1, `failed ${what} ${thrown instanceof KeysagaError ? thrown.code : String(thrown)}\n`);
  }
}

async function syncStone(owner: Identity, round: number): Promise<Address> {
  const stone = sealRecord({ ib: "stone", data: { of: name, round } });
  await saveRecords(owner, [stone]);
  const sender = createSender({ identity: owner, url, limits: patient });
  try {
    await sender.sync([stone.address]);
  } finally {
    await sender.disconnect();
  }
  return stone.address;
}

async function connectOnce(owner: Identity): Promise<Address> {
  const sender = createSender({ identity: owner, url, limits: patient });
  try {
    await sender.connect();
  } finally {
    await sender.disconnect();
  }
  return owner.address;
}

async function shareWithSomebody(owner: Identity, round: number): Promise<Address> {
  const hex = Buffer.from(`${name} ${round}`).toString("hex").padStart(64, "0").toUpperCase();
  const grantee = parseAddress(`keystone.identity^${hex}`);
  await share(owner, { timeline: note.address, with: grantee, access: "read" });
  return grantee;
}

function dying(inner: Space, commitsLeft: number): Space {
  let left = commitsLeft;
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (key !== "commit") return value.bind(target);
      return async (...args: unknown[]) => {
        const result: unknown = await Reflect.apply(value, target, args);
        if (--left <= 0) process.kill(pid, "SIGKILL");
        return result;
      };
    },
  });
}

/** An identity, and what holds one, can be printed, copied and sent: nothing in them is a secret. */
import { serialize } from "node:v8";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import {
  createIdentity,
  createInvite,
  createReceiver,
  createSender,
  InnerSpace,
  openIdentity,
  share,
} from "../../src/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";

const secret = Uint8Array.from({ length: 32 }, (_, at) => 200 - at);
const recoverySecret = secret.toReversed();
const space = new InnerSpace();
const me = await createIdentity({ space, secret, recoverySecret });

test("an identity shows its address and its space, and nothing else", async () => {
  const opened = await openIdentity({ space, secret });
  for (const identity of [me, opened]) {
    expect(Reflect.ownKeys(identity)).toEqual(["address", "space"]);
    expect(Object.keys(JSON.parse(JSON.stringify(identity)))).toEqual(["address", "space"]);
    expect(Object.keys(structuredClone(identity))).toEqual(["address", "space"]);
    expectNoSecret(identity);
    expect(serialize(identity).includes(Buffer.from(secret))).toBe(false);
  }
});

test("neither does a receiver, nor a sender with an invite", async () => {
  const url = "wss://example.org";
  const admission = { kind: "invite" } as const;
  const receiver = await createReceiver({ identity: me, audiences: [url], admission });
  const { text } = await createInvite(me, { url, expiresInMs: 60_000 });
  expectNoSecret(receiver);
  expectNoSecret(createSender({ identity: me, invite: text }), text);
  await receiver.close();
});

test("what only looks like an identity signs nothing", async () => {
  const given = { timeline: me.address, with: me.address, access: "read" } as const;
  await expect(share(structuredClone(me), given)).rejects.toThrow();
  await expect(
    createReceiver({ identity: { ...me }, audiences: [], admission: { kind: "open" } }),
  ).rejects.toThrow("not a copy of it");
});

/** Prints what can be seen of it, hidden properties too, and looks for every secret in numbers, hex and as it is. */
function expectNoSecret(shown: unknown, ...words: readonly string[]): void {
  const printed = inspect(shown, { showHidden: true, depth: Number.POSITIVE_INFINITY, maxArrayLength: null });
  const compact = printed.replace(/\s/g, "");
  const bytes = [secret, recoverySecret, internalsOf(me).hostSeed];
  for (const each of bytes) {
    expect(compact).not.toContain(each.slice(0, 8).join(","));
    expect(compact).not.toContain(Buffer.from(each).toString("hex"));
  }
  for (const word of words) expect(compact).not.toContain(word);
  expect(printed).not.toMatch(/secret|seed|Uint8Array/i);
}

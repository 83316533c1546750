/**
 * The search itself: it finds a planted secret in each place and in each encoding. That it finds none is every other test.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ed25519PublicKey, hkdfSha256, hmacSha256, KeysagaError, toHex, utf8 } from "../../src/base/index.js";
import { createHome, openHome } from "../../src/node/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { systemPlatform } from "../../src/peer/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";
import { createInnerspace, dialWebSocket } from "../../src/transport/index.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { Canaries } from "./canaries.js";
import { failOnHits, kindOfCanary, registerCanary, takeHits } from "./watch.js";

const random = (length = 32) => systemPlatform.random.bytes(length);

/** A secret that is registered, and nobody uses. */
function planted(): Uint8Array {
  const secret = random();
  registerCanary("planted secret", secret);
  return secret;
}

describe("a secret is found (threat 19)", () => {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const between = (bytes: Uint8Array, before: number) => Buffer.concat([random(before), bytes, random(40)]);
  const encodings: Record<string, (secret: Uint8Array) => string | Uint8Array> = {
    "raw bytes": (secret) => between(secret, 7),
    hex: (secret) => `key ${toHex(secret)}.`,
    "upper-case hex": (secret) => toHex(secret).toUpperCase(),
    base64: (secret) => base64(secret),
    "base64, one byte off": (secret) => base64(between(secret, 1)),
    "base64, two bytes off": (secret) => base64(between(secret, 2)),
    base64url: (secret) => Buffer.from(secret).toString("base64url"),
    "base64url, off": (secret) => between(secret, 4).toString("base64url"),
    "a list of numbers": (secret) => `${secret}`,
    "a dump of a Buffer": (secret) => inspect(Buffer.from(secret)),
    "a dump of bytes": (secret) => inspect(secret),
    "JSON of bytes": (secret) => JSON.stringify([...secret], null, 2),
    "its first two thirds": (secret) => toHex(secret.subarray(0, 22)),
    "its last two thirds": (secret) => toHex(secret.subarray(12)),
  };

  test.each(Object.entries(encodings))("as %s", (_, encode) => {
    for (let run = 0; run < 50; run++) {
      const canaries = new Canaries();
      const secret = random();
      for (let other = 0; other < 20; other++) canaries.add("another", random());
      canaries.add("this", secret);
      const text = encode(secret);
      const found = typeof text === "string" ? canaries.findIn(text) : canaries.find(text);
      expect(found?.kind).toBe("this");
      expect(canaries.find(random(4096))).toBe(undefined);
    }
  });

  test("as what a person typed; what is too short or too plain is no secret", () => {
    const canaries = new Canaries();
    for (const text of ["correct horse", "short", "aaaaaaaaaaaa"]) canaries.add("passphrase", text);
    canaries.add("zeros", new Uint8Array(32));
    expect(canaries.size).toBe(1);
    expect(canaries.findIn("is it 'correct horse'?")).toEqual({ kind: "passphrase", encoding: "raw bytes" });
    expect(canaries.findIn(Buffer.from("correct horse").toString("base64"))).toBeDefined();
    expect(canaries.findIn(`correct ${"aaaaaaaaaaaa"} short`)).toBe(undefined);
  });

  test("unless it is of a kind that belongs there; another one in the same place is", () => {
    const canaries = new Canaries();
    const [own, other] = [random(), random()];
    canaries.add("device secret", own);
    canaries.add("session secret", other);
    const text = `${toHex(own)} ${toHex(other)}`;
    expect(canaries.findIn(text, ["device secret"])).toEqual({ kind: "session secret", encoding: "hex" });
    expect(canaries.findIn(toHex(own), ["device secret"])).toBe(undefined);
  });
});

describe("it is looked for in (threat 19)", () => {
  /** What was found when `leak` has let a planted secret out; the test itself does not fail for it. */
  async function placesOf(leak: (secret: Uint8Array) => unknown): Promise<readonly string[]> {
    await leak(planted());
    const hits = takeHits();
    expect(hits.every(({ kind }) => kind === "planted secret")).toBe(true);
    return [...new Set(hits.map(({ place }) => place))];
  }

  test("what is printed", async () => {
    expect(await placesOf((secret) => console.info("secret %s", toHex(secret)))).toContain("the console");
    expect(await placesOf((secret) => console.error({ secret }))).toContain("the console");
    for (const name of ["stdout", "stderr"] as const)
      expect(await placesOf((secret) => process[name].write(`${toHex(secret)}\n`))).toEqual([name]);
  });

  test("every message, over innerspace and over WebSocket", async () => {
    const { timers } = systemPlatform;
    const innerspace = createInnerspace({ timers });
    innerspace.listen((connection) => void connection.close());
    const messages = [
      (secret: Uint8Array) => JSON.stringify({ secret: toHex(secret) }),
      (secret: Uint8Array) => secret,
    ];
    for (const message of messages) {
      const leak = async (secret: Uint8Array) => (await innerspace.dial()).send(message(secret));
      expect(await placesOf(leak)).toEqual(["a message"]);
    }
    const world = await createWorld({ network: webSocketNetwork() });
    const connection = await dialWebSocket(world.audience, { timers })();
    expect(await placesOf((secret) => connection.send(toHex(secret)))).toEqual(["a message"]);
    await connection.close();
    await world.close();
  });

  test("every error: its message, its JSON, its stack and its cause", async () => {
    const leaking = (secret: Uint8Array) => new KeysagaError("internal", { secret: toHex(secret) });
    expect(await placesOf(leaking)).toEqual(["an error's message", "an error, as JSON", "an error's stack"]);
    const causing = (secret: Uint8Array) =>
      new KeysagaError("internal", {}, { cause: new Error(`no such key: ${toHex(secret)}`) });
    expect(await placesOf(causing)).toEqual(["the message of an error's cause"]);
    expect(leaking(random())).toBeInstanceOf(KeysagaError);
  });

  test("every event of a sender and of a receiver, which are told as ever", async () => {
    const world = await createWorld();
    const [alice] = world.senders as [SenderPeer];
    registerCanary("planted secret", alice.address); // which is none: it is in most of what is said
    await alice.sync(await alice.timeline("note"));
    const places = await placesOf(() => undefined);
    expect(places).toEqual(expect.arrayContaining(["a sender's event", "a receiver's event"]));
    for (const { events } of [alice, world.receiver])
      expect(events.map(({ kind }) => kind)).toContain("durable");
    await world.close();
    takeHits();
  });

  test("every file below a temporary directory, when it is removed", async () => {
    const leaks: readonly ((secret: Uint8Array) => Promise<void> | void)[] = [
      async (secret) => {
        const dir = await mkdtemp(join(tmpdir(), "keysaga-canary-"));
        await writeFile(join(dir, "a.txt"), secret);
        await rm(dir, { recursive: true });
      },
      (secret) => {
        const dir = mkdtempSync(join(tmpdir(), "keysaga-canary-"));
        writeFileSync(join(dir, "a.txt"), toHex(secret));
        rmSync(dir, { recursive: true });
      },
    ];
    for (const leak of leaks) expect(await placesOf(leak)).toEqual(["file a.txt"]);
  });
});

describe("looked for is (threat 19)", () => {
  test("whatever a key is derived from, and what is derived; a MAC's key; the seed of a signature", () => {
    const [secret, salt, recovery, key, seed] = [random(), random(), random(), random(), random()];
    const session = hkdfSha256(secret, salt, utf8("keysaga/session-secret/1"), 32);
    const once = hkdfSha256(session, salt, utf8("keysaga/one-time-key/1 sync"), 32);
    hkdfSha256(recovery, salt, utf8("keysaga/one-time-key/1 recover"), 32);
    hmacSha256(key, utf8("message"));
    ed25519PublicKey(seed);
    expect([secret, session, once, recovery, key, seed, salt].map(kindOfCanary)).toEqual([
      ...["device secret", "session secret", "one-time key", "recovery secret", "MAC key", "signing key"],
      undefined,
    ]);
  });

  test("what a home is locked with; its file holds the device's secret, where nothing else may", async () => {
    const dir = await mkdtemp(join(tmpdir(), "keysaga-canary-"));
    const passphrase = "tr0ub4dor and three";
    await createHome({ dir, passphrase });
    const { identity, close } = await openHome({ dir, passphrase: async () => passphrase });
    await close();
    console.info(passphrase);
    expect(takeHits().map(({ kind }) => kind)).toContain("passphrase");
    const secret = internalsOf(identity).secretFor("vouch");
    await writeFile(join(dir, "identity.json"), toHex(secret));
    await writeFile(join(dir, "notes.json"), toHex(secret));
    await rm(dir, { recursive: true });
    expect(takeHits()).toEqual([{ kind: "device secret", place: "file notes.json", encoding: "hex" }]);
  });

  test("a hit fails the test, and names place and kind, not the secret", () => {
    const secret = planted();
    console.info(toHex(secret));
    let thrown: unknown;
    try {
      failOnHits();
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toBe("Error: a secret was let out: planted secret in the console, as hex");
    expect(takeHits()).toEqual([]);
  });
});

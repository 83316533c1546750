import { createPublicKey, verify } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { sha256, toHex } from "../../src/base/index.js";
import { checkFrame, startReplay } from "../../src/keystone/index.js";
import { createHome } from "../../src/node/index.js";
import { seededPlatform } from "../../src/testing/index.js";
import { firstFrame, makeFrame, newKeystone, outcome, syncPool, tampered } from "../keystone/keystones.js";

describe("a key that anyone can sign with (threat 16)", () => {
  /** The identity point, and a signature by it that node:crypto takes for any message. */
  const point = Uint8Array.of(1, ...new Uint8Array(31));
  const signature = Uint8Array.of(...point, ...new Uint8Array(32));

  test("node:crypto takes it", () => {
    const key = createPublicKey({
      format: "jwk",
      key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(point).toString("base64url") },
    });
    expect(verify(null, Buffer.from("any message"), key, signature)).toBe(true);
  });

  test("is refused when the commitment to it is opened", () => {
    const pools = [syncPool];
    const claim = { verb: "sync", target: "a context" };
    const honest = makeFrame(newKeystone({ pools }), claim);
    const weak = tampered(firstFrame({ pools }), ({ data }) => {
      data.pools[0].open[0].commitment = toHex(sha256(point));
    });
    const frame = tampered(honest, ({ data, rel8ns }) => {
      rel8ns.past = [weak.address];
      rel8ns.tjp = [weak.address];
      Object.assign(data.proofs[0].solutions[0], { publicKey: toHex(point), signature: toHex(signature) });
    });
    const state = startReplay(weak, "session"); // until then only a hash is known
    expect(outcome(() => checkFrame(state, frame))).toBe("wrong_solution: signature");
  });
});

describe("what a keystone shows leads to nothing that a person typed (threat 27)", () => {
  test("two passphrases, one randomness: the same keystone. Guesses cost scrypt, and need the file", async () => {
    const homes = await Promise.all(
      ["a passphrase", "another passphrase"].map(async (passphrase) => {
        const dir = await mkdtemp(join(tmpdir(), "keysaga-threat-"));
        onTestFinished(() => rm(dir, { recursive: true, force: true }));
        const { random } = seededPlatform("one randomness");
        const { address } = await createHome({ dir, passphrase, random });
        const { secret } = JSON.parse(await readFile(join(dir, "identity.json"), "utf8"));
        return { address, secret };
      }),
    );
    const [one, other] = homes;
    expect(one?.address).toBe(other?.address);
    for (const { secret } of homes)
      expect(secret).toMatchObject({ kind: "scrypt-aes-256-gcm", N: 2 ** 17, r: 8, p: 1 });
    expect(one?.secret.salt).not.toBe(other?.secret.salt);
  });
});

import { describe, expect, test } from "vitest";
import { fromBase64Url, KeysagaError, sha256, toBase64Url, utf8 } from "../../src/base/index.js";
import { addressOf } from "../../src/ibgib/index.js";
import {
  type Invite,
  invitePrefix,
  readInvite,
  urlBytesMax,
  writeInvite,
} from "../../src/peer/home/invite-text.js";

const invite: Invite = {
  url: "wss://sync.example:8443/team?a=1",
  receiver: addressOf("keystone.identity", "0123456789ABCDEF".repeat(4)),
  id: "00112233445566778899aabbccddeeff",
  key: Uint8Array.from({ length: 32 }, (_, at) => 255 - at),
};
const text = writeInvite(invite);
/** The parts with a checksum that is right for them. */
const sealed = (said: Uint8Array) => {
  const checksum = sha256(utf8("keysaga/invite-text/1"), said).subarray(0, 4);
  return invitePrefix + toBase64Url(Uint8Array.from([...checksum, ...said]));
};
const said = fromBase64Url(text.slice(invitePrefix.length))!.slice(4);

/** The rule that a text breaks. */
function ruleOf(given: string): string {
  try {
    readInvite(given);
    return "none";
  } catch (thrown) {
    return thrown instanceof KeysagaError && thrown.code === "invite_malformed"
      ? String(thrown.facts["rule"])
      : String(thrown);
  }
}

describe("an invite as text", () => {
  test("comes back as it was, and is one word for a shell", () => {
    expect(readInvite(text)).toEqual(invite);
    expect(readInvite(`  ${text}\n`)).toEqual(invite);
    expect(text).toMatch(/^keysaga-invite\.v1\.[\w-]+$/);
    expect(text.length).toBeLessThan(200);
    expect(sealed(said)).toBe(text);
  });

  test("has the bytes that docs/protocol.md says", () => {
    expect(Buffer.from(said.subarray(0, 16)).toString("hex")).toBe(invite.id);
    expect(said.subarray(16, 48)).toEqual(invite.key);
    expect(Buffer.from(said.subarray(48, 80)).toString("hex").toUpperCase()).toBe(
      "0123456789ABCDEF".repeat(4),
    );
    expect(Buffer.from(said.subarray(80)).toString()).toBe(invite.url);
  });

  test("with any letter changed, left out or doubled is refused", () => {
    for (let at = 0; at < text.length; at++) {
      const letter = text[at] === "x" ? "y" : "x";
      const wrong = [
        text.slice(0, at) + letter + text.slice(at + 1),
        text.slice(0, at) + text.slice(at + 1),
        text.slice(0, at) + text[at]! + text.slice(at),
        text.slice(0, at),
      ];
      for (const given of wrong) if (given !== text) expect(ruleOf(given), given).not.toBe("none");
    }
  });

  test("is refused by the rule it breaks, its checksum right or not", () => {
    const withUrl = (url: string | Uint8Array) =>
      sealed(Uint8Array.from([...said.subarray(0, 80), ...(typeof url === "string" ? utf8(url) : url)]));
    expect(ruleOf("")).toBe("prefix");
    expect(ruleOf("wss://sync.example")).toBe("prefix");
    expect(ruleOf(text.replace("v1", "v2"))).toBe("prefix");
    expect(ruleOf(`${text}=`)).toBe("base64url");
    expect(ruleOf(`${invitePrefix}${"A".repeat(2_000)}`)).toBe("length");
    expect(ruleOf(`${invitePrefix}${"A".repeat(1_000_000)}`)).toBe("length");
    expect(ruleOf(sealed(said.subarray(0, 80)))).toBe("length");
    expect(ruleOf(`${text.slice(0, -1)}${text.endsWith("A") ? "Q" : "A"}`)).toMatch(/checksum|base64url/);
    for (const url of [
      "https://sync.example",
      "wss://user:secret@sync.example",
      "wss://sync.example/#fragment",
      "wss://",
      "wss://sync.example/\u001b[2J",
      "wss://sync.example/ö",
      `wss://sync.example/${"x".repeat(urlBytesMax)}`,
      Uint8Array.of(0x77, 0xff),
    ])
      expect(ruleOf(withUrl(url)), String(url)).toMatch(/^(url|length)$/);
  });

  test("is not written for a URL that none may have", () => {
    for (const url of ["http://sync.example", "sync.example", "wss://a:b@sync.example", "wss://x/#y", ""])
      expect(() => writeInvite({ ...invite, url }), url).toThrow("An invite needs");
    const long = `wss://x/${"y".repeat(urlBytesMax - 8)}`;
    expect(readInvite(writeInvite({ ...invite, url: long })).url).toBe(long);
  });
});

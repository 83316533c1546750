import { describe, expect, test } from "vitest";
import { KeysagaError, utf8 } from "../../src/base/index.js";
import { proxyHeaderBytesMax, readProxyHeader } from "../../src/server/proxy-header.js";
import { binaryHeader } from "./proxy-headers.js";

const ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0, 80, 1, 187];
const ipv6 = [0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), 6, ...Array(16).fill(1), 0, 80, 1, 187];

describe("a PROXY header", () => {
  test.each([
    ["a line, IPv4", utf8("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "192.0.2.7"],
    ["a line, IPv6", utf8("PROXY TCP6 2001:db8::6 2001:db8::1 1 65535\r\n"), "2001:db8::6"],
    ["a line, unknown", utf8("PROXY UNKNOWN\r\n"), undefined],
    ["a line, unknown with more", utf8("PROXY UNKNOWN ffff::1 whatever 1 2\r\n"), undefined],
    ["binary, IPv4", binaryHeader(0x21, 0x11, ipv4), "192.0.2.7"],
    ["binary, IPv6", binaryHeader(0x21, 0x21, ipv6), "2001:db8:0:0:0:0:0:6"],
    ["binary, with more behind the addresses", binaryHeader(0x21, 0x11, [...ipv4, 4, 0, 1, 9]), "192.0.2.7"],
    ["binary, of the proxy itself", binaryHeader(0x20, 0x11, ipv4), undefined],
    ["binary, unspecified", binaryHeader(0x21, 0x00, []), undefined],
    ["binary, a local socket", binaryHeader(0x21, 0x31, Array(216).fill(0)), undefined],
  ])("%s: whole once its last byte is there, and no sooner", (_, header, client) => {
    const followed = Uint8Array.of(...header, ...utf8("GET / HTTP/1.1\r\n"));
    expect(readProxyHeader(followed)).toEqual({ length: header.length, client });
    for (let length = 0; length < header.length; length++)
      expect(readProxyHeader(header.subarray(0, length))).toBeUndefined();
  });

  test.each([
    ["HTTP", utf8("GET / HTTP/1.1\r\n"), "malformed_message"],
    ["the start of TLS", Uint8Array.of(0x16, 3, 1), "malformed_message"],
    ["another signature", Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x01), "malformed_message"],
    ["a line without an end", utf8(`PROXY TCP4 ${"1".repeat(200)}`), "limit_exceeded"],
    ["a line of 108 bytes", utf8(`PROXY UNKNOWN ${"x".repeat(92)}\r\n`), "limit_exceeded"],
    ["no address", utf8("PROXY TCP4 example 198.51.100.1 1 2\r\n"), "malformed_message"],
    ["an address of the other family", utf8("PROXY TCP4 ::1 ::1 1 2\r\n"), "malformed_message"],
    ["no ports", utf8("PROXY TCP4 192.0.2.7 198.51.100.1\r\n"), "malformed_message"],
    ["a port too high", utf8("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n"), "malformed_message"],
    ["another protocol", utf8("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n"), "malformed_message"],
    ["another version", binaryHeader(0x31, 0x11, ipv4), "malformed_message"],
    ["another command", binaryHeader(0x22, 0x11, ipv4), "malformed_message"],
    ["addresses cut short", binaryHeader(0x21, 0x11, ipv4.slice(1)), "malformed_message"],
    ["a length beyond the limit", binaryHeader(0x21, 0x11, [], proxyHeaderBytesMax), "limit_exceeded"],
  ])("that is none is refused: %s", (_, header, code) => {
    expect(() => readProxyHeader(header)).toThrow(expect.objectContaining({ code }));
  });

  test("of random bytes is refused, typed, or read; a changed one as well", () => {
    let state = 20261129;
    const random = (max: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state % max;
    };
    const headers = [utf8("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), binaryHeader(0x21, 0x21, ipv6)];
    const wrong: unknown[] = [];
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from(headers[round % headers.length] ?? []);
      for (let change = random(4); change >= 0; change--) bytes[random(bytes.length)] = random(256);
      const cut = bytes.subarray(0, random(bytes.length + 1));
      try {
        if ((readProxyHeader(cut)?.length ?? 0) > cut.length) wrong.push(cut);
      } catch (thrown) {
        const code = thrown instanceof KeysagaError ? thrown.code : undefined;
        if (code !== "malformed_message" && code !== "limit_exceeded") wrong.push(thrown);
      }
    }
    expect(wrong).toEqual([]);
  });
});

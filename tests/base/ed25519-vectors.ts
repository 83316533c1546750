/** Every published Ed25519 verification case of tests/vectors/ed25519 in one shape. Sources: tests/vectors/NOTICES.md. */
import { readFileSync } from "node:fs";

export interface VerifyCase {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** What the source says; undefined where it only records what implementations do. */
  readonly expected: boolean | undefined;
}

export interface SignCase {
  readonly name: string;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const read = (file: string) => readFileSync(new URL(`../vectors/ed25519/${file}`, import.meta.url), "utf8");
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

export function signCases(): SignCase[] {
  const { cases }: { cases: Record<"name" | "secretKey" | "publicKey" | "message" | "signature", string>[] } =
    JSON.parse(read("rfc8032.json"));
  const rfc = cases.map((c) => ({
    name: c.name,
    seed: bytes(c.secretKey),
    publicKey: bytes(c.publicKey),
    message: bytes(c.message),
    signature: bytes(c.signature),
  }));
  const lines = read("sign-input-128.txt").trim().split("\n");
  return [...rfc, ...lines.map(signInputCase)];
}

function signInputCase(line: string, at: number): SignCase {
  const [secret = "", publicKey = "", message = "", signed = ""] = line.split(":");
  return {
    name: `sign.input line ${at + 1}`,
    seed: bytes(secret.slice(0, 64)),
    publicKey: bytes(publicKey),
    message: bytes(message),
    signature: bytes(signed.slice(0, 128)),
  };
}

export function wycheproofCases(): VerifyCase[] {
  const file: {
    testGroups: {
      publicKey: { pk: string };
      tests: { tcId: number; comment: string; msg: string; sig: string; result: string }[];
    }[];
  } = JSON.parse(read("wycheproof-ed25519.json"));
  return file.testGroups.flatMap((group) =>
    group.tests.map((test) => ({
      name: `wycheproof ${test.tcId} ${test.comment}`,
      publicKey: bytes(group.publicKey.pk),
      message: bytes(test.msg),
      signature: bytes(test.sig),
      expected: test.result === "valid",
    })),
  );
}

/** The source only says which libraries accept which case; the test states what the strict rule answers. */
export function speccheckCases(): VerifyCase[] {
  const cases: { message: string; pub_key: string; signature: string }[] = JSON.parse(
    read("speccheck-edge-cases.json"),
  );
  return cases.map((c, at) => ({
    name: `speccheck ${at}`,
    publicKey: bytes(c.pub_key),
    message: bytes(c.message),
    signature: bytes(c.signature),
    expected: undefined,
  }));
}

/** Small-order and non-canonical keys throughout; the message is "Zcash" (ZIP 215). */
export function zip215Cases(): VerifyCase[] {
  const cases: { vk_bytes: string; sig_bytes: string }[] = JSON.parse(read("zip215.json"));
  return cases.map((c, at) => ({
    name: `zip215 ${at}`,
    publicKey: bytes(c.vk_bytes),
    message: new TextEncoder().encode("Zcash"),
    signature: bytes(c.sig_bytes),
    expected: undefined,
  }));
}

/** Botan's format: `Name = value` lines; a `Signature` line closes a case, other values hold on to the next. */
export function botanCases(): VerifyCase[] {
  const cases: VerifyCase[] = [];
  const values = new Map<string, string>();
  for (const line of read("botan-ed25519-verify.vec").split("\n")) {
    const [, name = "", value = ""] = /^(\w+) = ?(.*)$/.exec(line) ?? [];
    values.set(name, value);
    if (name !== "Signature") continue;
    cases.push({
      name: `botan ${cases.length + 1}`,
      publicKey: bytes(values.get("Pubkey") ?? ""),
      message: bytes(values.get("Msg") ?? ""),
      signature: bytes(value),
      expected: values.get("Valid") === "1",
    });
  }
  return cases;
}

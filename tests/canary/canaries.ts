/** Secrets to look for, and a search for all of them at once in whatever a process lets out. */
import { Buffer } from "node:buffer";

export interface Found {
  /** Of the secret, as it was registered. */
  readonly kind: string;
  /** How it was written. */
  readonly encoding: string;
}

/** A text that gives a secret away. */
interface Needle extends Found {
  readonly bytes: Uint8Array;
}

/** A leak is at least so much of a secret: half of a key, which nothing has by chance. */
const pieceBytes = 16;
/** Of what a person types: shorter texts stand everywhere. */
const textBytesMin = 8;
/** Tests that count in secrets (`fill(1)`) would find them in every page of zeros. */
const distinctBytesMin = 5;
const slotBits = 20;
const headBytes = 8;

/**
 * Every needle is entered by its first eight bytes. One pass over a haystack looks each eight bytes up in a small table,
 * and compares where there is something: its cost does not depend on how many secrets there are.
 */
export class Canaries {
  readonly #slots = new Uint8Array(2 ** (slotBits - 3));
  readonly #byHead = new Map<number, Needle[]>();
  readonly #kinds = new Map<string, string>();

  /** How many secrets are looked for. */
  get size(): number {
    return this.#kinds.size;
  }

  /**
   * Registers a secret: bytes, or a text that stands for itself. What is known keeps its kind; what is too short or too
   * plain to be told from other things is left out.
   *
   * @param isOneOfMany Looks for its first half in the usual encodings alone: there are thousands of one-time keys.
   */
  add(kind: string, secret: Uint8Array | string, isOneOfMany = false): void {
    const bytes = typeof secret === "string" ? Buffer.from(secret) : viewOf(secret);
    const name = bytes.toString("latin1");
    if (this.#kinds.has(name) || !isTelling(bytes)) return;
    this.#kinds.set(name, kind);
    const isWhole = typeof secret === "string" || bytes.length < 2 * pieceBytes;
    const [first, second] = isWhole
      ? [bytes]
      : [bytes.subarray(0, pieceBytes), bytes.subarray(pieceBytes, 2 * pieceBytes)];
    if (isOneOfMany) return this.#enterAll(usualNeedles(kind, Buffer.from(first)));
    for (const piece of second ? [first, second] : [first])
      this.#enterAll([...usualNeedles(kind, Buffer.from(piece)), ...otherNeedles(kind, piece)]);
  }

  /** The kind that a secret was registered as. */
  kindOf(secret: Uint8Array): string | undefined {
    return this.#kinds.get(viewOf(secret).toString("latin1"));
  }

  /** The first secret in `haystack`, if there is one of a kind that is not `allowed` there. */
  find(haystack: Uint8Array, allowed: readonly string[] = []): Found | undefined {
    let [older, newer] = [0, 0];
    for (let at = 0; at < haystack.length; at++) {
      older = (older >>> 8) | (newer << 24);
      newer = (newer >>> 8) | (haystack[at]! << 24);
      const head = headOf(older, newer);
      const slot = head >>> (32 - slotBits);
      if (((this.#slots[slot >>> 3]! >>> (slot & 7)) & 1) === 0) continue;
      const found = this.#at(haystack, at - headBytes + 1, head, allowed);
      if (found) return found;
    }
    return undefined;
  }

  /** As `find`, in a text: as it stands, and with no spaces, as the bytes of a dump have them in between. */
  findIn(text: string, allowed: readonly string[] = []): Found | undefined {
    const found = this.find(Buffer.from(text), allowed);
    return found ?? this.find(Buffer.from(text.replace(/\s+/g, "")), allowed);
  }

  #enterAll(needles: readonly Needle[]): void {
    for (const needle of needles) {
      const { buffer, byteOffset } = needle.bytes;
      const view = new DataView(buffer, byteOffset, headBytes);
      const head = headOf(view.getInt32(0, true), view.getInt32(4, true));
      const slot = head >>> (32 - slotBits);
      this.#slots[slot >>> 3]! |= 1 << (slot & 7);
      const others = this.#byHead.get(head);
      if (others === undefined) this.#byHead.set(head, [needle]);
      else others.push(needle);
    }
  }

  #at(haystack: Uint8Array, start: number, head: number, allowed: readonly string[]): Found | undefined {
    const needle = this.#byHead
      .get(head)
      ?.find(({ kind, bytes }) => !allowed.includes(kind) && isAt(haystack, start, bytes));
    return needle && { kind: needle.kind, encoding: needle.encoding };
  }
}

function isTelling(bytes: Uint8Array): boolean {
  return bytes.length >= textBytesMin && new Set(bytes.subarray(0, pieceBytes)).size >= distinctBytesMin;
}

/** @param piece No other view of it may change. */
function usualNeedles(kind: string, piece: Buffer): readonly Needle[] {
  return [
    { kind, encoding: "raw bytes", bytes: piece },
    { kind, encoding: "hex", bytes: Buffer.from(piece.toString("hex"), "latin1") },
    // The last letter depends on what comes after.
    { kind, encoding: "base64url", bytes: Buffer.from(piece.toString("base64url").slice(0, -1), "latin1") },
  ];
}

function otherNeedles(kind: string, piece: Buffer): readonly Needle[] {
  return [
    { kind, encoding: "upper-case hex", bytes: Buffer.from(piece.toString("hex").toUpperCase()) },
    { kind, encoding: "a list of numbers", bytes: Buffer.from([...piece].join(",")) },
    ...base64Needles(kind, piece, 0),
    ...base64Needles(kind, piece, 1),
    ...base64Needles(kind, piece, 2),
  ];
}

/** In base 64 a secret reads in one of three ways, by where it starts; its edges depend on what is beside it. */
function base64Needles(kind: string, piece: Buffer, before: 0 | 1 | 2): readonly Needle[] {
  const shifted = before === 0 ? piece : Buffer.concat([Buffer.alloc(before), piece]);
  const from = before === 0 ? 0 : before + 1;
  const inner = shifted.toString("base64").slice(from, Math.floor((shifted.length * 8) / 6));
  const forUrls = inner.replaceAll("+", "-").replaceAll("/", "_");
  return [
    { kind, encoding: "base64", bytes: Buffer.from(inner, "latin1") },
    ...(forUrls === inner ? [] : [{ kind, encoding: "base64url", bytes: Buffer.from(forUrls, "latin1") }]),
  ];
}

/** The same bytes, with a Buffer's methods. */
function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Of eight bytes, as two numbers with the first byte lowest. */
function headOf(older: number, newer: number): number {
  return Math.imul(Math.imul(older, 0x9e3779b1) ^ newer, 0x85ebca6b) >>> 0;
}

function isAt(haystack: Uint8Array, start: number, needle: Uint8Array): boolean {
  if (start < 0 || start + needle.length > haystack.length) return false;
  for (let i = 0; i < needle.length; i++) if (haystack[start + i] !== needle[i]) return false;
  return true;
}

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
const distinctBytesMin = 6;
const slotBits = 20;

/**
 * Every needle is entered by its first four bytes. One pass over a haystack looks each four bytes up in a small table,
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
   */
  add(kind: string, secret: Uint8Array | string): void {
    const bytes = Buffer.from(secret);
    const name = bytes.toString("latin1");
    if (this.#kinds.has(name) || !isTelling(bytes)) return;
    this.#kinds.set(name, kind);
    const whole = typeof secret === "string" || bytes.length < 2 * pieceBytes;
    const pieces = whole
      ? [bytes]
      : [bytes.subarray(0, pieceBytes), bytes.subarray(pieceBytes, 2 * pieceBytes)];
    for (const piece of pieces) for (const needle of needlesOf(kind, piece)) this.#enter(needle);
  }

  /** The kind that a secret was registered as. */
  kindOf(secret: Uint8Array): string | undefined {
    return this.#kinds.get(Buffer.from(secret).toString("latin1"));
  }

  /** The first secret in `haystack`, if there is one of a kind that is not `allowed` there. */
  find(haystack: Uint8Array, allowed: readonly string[] = []): Found | undefined {
    let head = 0;
    for (let at = 0; at < haystack.length; at++) {
      head = (head >>> 8) | (haystack[at]! << 24);
      const slot = slotOf(head);
      if (((this.#slots[slot >>> 3]! >>> (slot & 7)) & 1) === 0) continue;
      const found = this.#at(haystack, at - 3, head, allowed);
      if (found) return found;
    }
    return undefined;
  }

  /** As `find`, in a text: as it stands, and with no spaces, as the bytes of a dump have them in between. */
  findIn(text: string, allowed: readonly string[] = []): Found | undefined {
    return (
      this.find(Buffer.from(text), allowed) ?? this.find(Buffer.from(text.replace(/[\s]+/g, "")), allowed)
    );
  }

  #enter(needle: Needle): void {
    const head = headOf(needle.bytes);
    const slot = slotOf(head);
    this.#slots[slot >>> 3]! |= 1 << (slot & 7);
    this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), needle]);
  }

  #at(haystack: Uint8Array, start: number, head: number, allowed: readonly string[]): Found | undefined {
    const needle = this.#byHead
      .get(head)
      ?.find(({ kind, bytes }) => !allowed.includes(kind) && isAt(haystack, start, bytes));
    return needle && { kind: needle.kind, encoding: needle.encoding };
  }
}

function isTelling(bytes: Uint8Array): boolean {
  return bytes.length >= textBytesMin && new Set(bytes).size >= distinctBytesMin;
}

function needlesOf(kind: string, piece: Buffer): readonly Needle[] {
  const hex = piece.toString("hex");
  const texts = {
    hex,
    "upper-case hex": hex.toUpperCase(),
    "a list of numbers": [...piece].join(","),
  };
  return [
    { kind, encoding: "raw bytes", bytes: piece },
    ...Object.entries(texts).map(([encoding, text]) => ({ kind, encoding, bytes: Buffer.from(text) })),
    ...base64Needles(kind, piece),
  ];
}

/** In base 64 a secret reads in one of three ways, by where it starts; its edges depend on what is beside it. */
function base64Needles(kind: string, piece: Buffer): readonly Needle[] {
  return [0, 1, 2].flatMap((before) => {
    const chars = Buffer.concat([Buffer.alloc(before), piece])
      .toString("base64")
      .replace(/=+$/, "");
    const inner = chars.slice(
      before === 0 ? 0 : before + 1,
      (piece.length + before) % 3 === 0 ? undefined : -1,
    );
    const forUrls = inner.replaceAll("+", "-").replaceAll("/", "_");
    return [
      { kind, encoding: "base64", bytes: Buffer.from(inner) },
      ...(forUrls === inner ? [] : [{ kind, encoding: "base64url", bytes: Buffer.from(forUrls) }]),
    ];
  });
}

/** The first four bytes, as `find` reads them when it has passed the fourth. */
function headOf(bytes: Uint8Array): number {
  return bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24) | 0;
}

function slotOf(head: number): number {
  return Math.imul(head, 0x9e3779b1) >>> (32 - slotBits);
}

function isAt(haystack: Uint8Array, start: number, needle: Uint8Array): boolean {
  if (start < 0 || start + needle.length > haystack.length) return false;
  for (let i = 0; i < needle.length; i++) if (haystack[start + i] !== needle[i]) return false;
  return true;
}

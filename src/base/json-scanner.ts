/**
 * Reads text that has to be the one normal form of JSON (canonical-json.ts): one pass decides, and builds no value.
 * What it lets pass is what the writer would write of what JSON.parse reads in it; a differential test holds the two.
 */
import { isWellFormed } from "./bytes.js";
import { type JsonRule, jsonDepthMax, refuseJson } from "./canonical-json.js";
import type { Json } from "./json.js";

/** Told of each member of the outermost object, in order: its value is the text from `from` up to `to`. */
export type MemberVisitor = (name: string, from: number, to: number) => void;

/**
 * Checks that `text` is byte for byte its own normal form.
 *
 * @param onMember Told while what follows is not checked yet.
 * @throws KeysagaError `json_refused` for the first fault, which `at` is the place of. `syntax` is what no JSON has there;
 *   `normal_form` is a second spelling: spaces, other number forms or escapes. A key that comes twice is `key_order`.
 */
export function scanCanonicalJson(text: string, onMember?: MemberVisitor): void {
  new Scanner(text, onMember).run();
}

/**
 * Parses text that has to be its own normal form. What is returned has no own `__proto__` and no lone surrogate.
 *
 * @throws KeysagaError as `scanCanonicalJson`.
 */
export function parseCanonicalJson(text: string): Json {
  scanCanonicalJson(text);
  return JSON.parse(text);
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];
const [letterF, letterN, letterT] = [0x66, 0x6e, 0x74];

/** Everything that stands in a string as it is, but for surrogate pairs. Without flag `u`, it runs over any length. */
const plainText = /[ !#-[\]-\ud7ff\ue000-\uffff]*/y;
/** What comes behind the backslash of a short escape. */
const shortEscapes: ReadonlySet<number> = new Set([...'"\\bfnrt'].map((letter) => letter.charCodeAt(0)));
/** The writer's escape of control characters that have no short one. */
const longEscape = /\\u00(?:0[0-7bef]|1[0-9a-f])/y;
/** Every number holds it exactly, so this is how it is written. */
const shortInteger = /(?:0|-?[1-9][0-9]{0,14})(?![-+.0-9eE])/y;
const numberText = /[-+.0-9eE]*/y;
const jsonNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

class Scanner {
  readonly #text: string;
  readonly #onMember: MemberVisitor | undefined;
  #at = 0;
  #depth = 0;

  constructor(text: string, onMember: MemberVisitor | undefined) {
    this.#text = text;
    this.#onMember = onMember;
  }

  run(): void {
    this.#value();
    if (this.#at < this.#text.length) this.#refuseHere();
  }

  #value(): void {
    switch (this.#text.charCodeAt(this.#at)) {
      case quote:
        return this.#string();
      case openBrace:
        return this.#object();
      case openBracket:
        return this.#list();
      case letterT:
        return this.#word("true");
      case letterF:
        return this.#word("false");
      case letterN:
        return this.#word("null");
      default:
        return this.#number();
    }
  }

  #object(): void {
    this.#enter();
    if (!this.#passes(closeBrace)) {
      let before: string | undefined;
      do {
        const name = this.#name(before);
        const from = this.#at;
        this.#value();
        if (this.#depth === 1) this.#onMember?.(name, from, this.#at);
        before = name;
      } while (this.#passes(comma));
      if (!this.#passes(closeBrace)) this.#refuseHere();
    }
    this.#depth--;
  }

  #list(): void {
    this.#enter();
    if (!this.#passes(closeBracket)) {
      do this.#value();
      while (this.#passes(comma));
      if (!this.#passes(closeBracket)) this.#refuseHere();
    }
    this.#depth--;
  }

  #enter(): void {
    if (this.#depth === jsonDepthMax) refuseJson("depth", { at: this.#at });
    this.#depth++;
    this.#at++;
  }

  #name(before: string | undefined): string {
    const at = this.#at;
    if (this.#text.charCodeAt(at) !== quote) this.#refuseHere();
    this.#string();
    const written = this.#text.slice(at + 1, this.#at - 1);
    const name: string = written.includes("\\") ? JSON.parse(`"${written}"`) : written;
    if (name === "__proto__") refuseJson("proto_key", { at });
    if (before !== undefined && !comesBefore(before, name)) refuseJson("key_order", { at });
    if (!this.#passes(colon)) this.#refuseHere();
    return name;
  }

  #string(): void {
    this.#at++;
    for (;;) {
      plainText.lastIndex = this.#at;
      plainText.test(this.#text); // always matches, if nothing
      this.#at = plainText.lastIndex;
      if (this.#passes(quote)) return;
      const code = this.#text.codePointAt(this.#at);
      if (code === backslash) this.#escape();
      else if (code !== undefined && code > 0xffff) this.#at += 2;
      else refuseJson(code !== undefined && code >= 0xd800 ? "surrogate" : "syntax", { at: this.#at });
    }
  }

  #escape(): void {
    const at = this.#at;
    if (shortEscapes.has(this.#text.charCodeAt(at + 1))) this.#at += 2;
    else if (!this.#matches(longEscape)) refuseJson(ruleOfEscape(this.#text.slice(at, at + 12)), { at });
  }

  #number(): void {
    if (this.#matches(shortInteger)) return;
    const from = this.#at;
    this.#matches(numberText);
    if (this.#at === from) this.#refuseHere();
    const text = this.#text.slice(from, this.#at);
    if (String(Number(text)) !== text) refuseJson(ruleOfNumber(text), { at: from });
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#refuseHere();
    this.#at += word.length;
  }

  /** Goes on behind this character, where it is the next. */
  #passes(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  /** Goes on behind what `pattern` matches here. */
  #matches(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #refuseHere(): never {
    const isSpace = /[\t\n\r ]/y;
    isSpace.lastIndex = this.#at;
    return refuseJson(isSpace.test(this.#text) ? "normal_form" : "syntax", { at: this.#at });
  }
}

function ruleOfEscape(text: string): JsonRule {
  const [units] = /^(?:\\u[0-9a-fA-F]{4}){1,2}/.exec(text) ?? [];
  if (units !== undefined) return isWellFormed(JSON.parse(`"${units}"`)) ? "normal_form" : "surrogate";
  return text.startsWith("\\/") ? "normal_form" : "syntax";
}

function ruleOfNumber(text: string): JsonRule {
  if (!jsonNumber.test(text)) return "syntax";
  const value = Number(text);
  if (!Number.isFinite(value)) return "number_range";
  return Object.is(value, -0) ? "negative_zero" : "normal_form";
}

/** Index keys come first, by number, as in every JavaScript object; then all others in UTF-16 order. */
function comesBefore(a: string, b: string): boolean {
  const [indexOfA, indexOfB] = [indexOf(a), indexOf(b)];
  return indexOfA === indexOfB ? a < b : indexOfA < indexOfB;
}

function indexOf(key: string): number {
  const isDigit = key.charCodeAt(0) <= 0x39; // only then can it be one
  return isDigit && /^(?:0|[1-9][0-9]{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1 ? Number(key) : Infinity;
}

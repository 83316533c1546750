import { isUtf8 } from "node:buffer";
import { expect, test } from "vitest";
import {
  canonicalJson,
  fromUtf8,
  type JsonRule,
  KeysagaError,
  scanCanonicalJson,
} from "../../src/base/index.js";
import { publishedTexts } from "../base/json-suites.js";
import { madeBytes, madeText } from "./json-texts.js";
import { CaseFailed, casesOf, seed, Tally } from "./plan.js";
import { Choices } from "./random.js";

const published = publishedTexts();
const cases = casesOf("texts");

test(`${cases.length} texts, gone wrong: the scanner lets pass what the writer writes of what the parser reads (threat 7)`, {
  timeout: 3_600_000,
}, () => {
  const tally = new Tally();
  for (const at of cases) {
    const choices = new Choices(seed, at);
    const text = madeText(choices, published);
    try {
      tally.add(judge(text));
      if (choices.chance(0.5)) tally.add(judgeBytes(madeBytes(text, choices)));
    } catch (wrong) {
      throw new CaseFailed("texts", at, JSON.stringify(text), wrong);
    }
  }
  tally.tell("texts", `${published.length} of them published`);
});

test("all published texts: so it does with these (threat 7)", () => {
  for (const text of published) judge(text);
  expect(published.length).toBeGreaterThan(10_000);
});

function judgeBytes(bytes: Uint8Array): string {
  const text = fromUtf8(bytes);
  if ((text !== undefined) !== isUtf8(bytes)) throw new Error("what is UTF-8 is no matter of opinion");
  if (text === undefined) return "utf8";
  if (!Buffer.from(text).equals(bytes)) throw new Error("its text has other bytes");
  return judge(text);
}

/** The verdict of the scanner has to be that of parser and writer, and the members it tells of those of the parser. */
function judge(text: string): string {
  const members: [string, string][] = [];
  const rule = ruleOf(() =>
    scanCanonicalJson(text, (name, from, to) => members.push([name, text.slice(from, to)])),
  );
  const parsed = parse(text);
  if ((rule === undefined) !== (parsed !== undefined && isWrittenAs(text, parsed.value)))
    throw new Error(`the scanner says ${rule}, parser and writer do not`);
  if (rule === "syntax" && parsed !== undefined)
    throw new Error("the scanner says it is not JSON, and it is");
  if (rule === undefined) {
    const read = isObject(parsed?.value) ? Object.entries(parsed.value) : [];
    const told = JSON.stringify(read.map(([name, value]) => [name, JSON.stringify(value)]));
    if (JSON.stringify(members) !== told) throw new Error(`told ${JSON.stringify(members)}, read ${told}`);
  }
  return rule ?? "normal";
}

function ruleOf(call: () => void): JsonRule | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof KeysagaError && thrown.code === "json_refused")
      return thrown.facts["rule"] as JsonRule;
    throw thrown;
  }
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Does the writer write this text of the value? */
function isWrittenAs(text: string, value: unknown): boolean {
  try {
    return canonicalJson(value) === text;
  } catch (thrown) {
    if (thrown instanceof KeysagaError) return false;
    throw thrown;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Published cases of JSON: RFC 8785 and its numbers, JSONTestSuite, and strings that like to break things. */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromUtf8 } from "../../src/base/index.js";

export interface JsonCase {
  readonly name: string;
  readonly expect: "accept" | "reject" | "either";
  readonly base64: string | null;
  /** In place of `base64` for the two long ones. */
  readonly repeat?: { readonly unitBase64: string; readonly times: number; readonly suffixBase64?: string };
}

const vectors = new URL("../vectors/", import.meta.url);

export const readVector = (path: string) => readFileSync(new URL(path, vectors));

export const jcsNames: readonly string[] = readdirSync(new URL("jcs/input/", vectors));

export const jsonTestSuite: {
  readonly parsing: readonly JsonCase[];
  readonly transform: readonly JsonCase[];
} = JSON.parse(readVector("json-parsing/json-test-suite.json").toString("utf8"));

export function bytesOf({ base64, repeat }: JsonCase): Uint8Array {
  const fromBase64 = (text: string) => Buffer.from(text, "base64");
  if (base64 !== null || repeat === undefined) return fromBase64(base64 ?? "");
  const units = Array.from({ length: repeat.times }, () => fromBase64(repeat.unitBase64));
  return Buffer.concat([...units, fromBase64(repeat.suffixBase64 ?? "")]);
}

/** Lines of bits in hex, a comma, and the number as ECMAScript writes it. */
export function es6Numbers(): readonly string[] {
  return gunzipSync(readVector("jcs/es6-numbers-10000.csv.gz")).toString("utf8").trim().split("\n");
}

export const naughtyStrings: readonly string[] = JSON.parse(readVector("strings/blns.json").toString("utf8"));

/** All of them as texts, those that are not UTF-8 left out. */
export function publishedTexts(): readonly string[] {
  const ofSuite = [...jsonTestSuite.parsing, ...jsonTestSuite.transform].map((each) =>
    fromUtf8(bytesOf(each)),
  );
  const ofJcs = jcsNames.flatMap((name) =>
    ["input", "output"].map((folder) => readVector(`jcs/${folder}/${name}`).toString("utf8")),
  );
  return [
    ...ofSuite.filter((text) => text !== undefined),
    ...ofJcs,
    ...es6Numbers().map((line) => line.slice(line.indexOf(",") + 1)),
    ...naughtyStrings.flatMap((text) => [text, JSON.stringify([text]), JSON.stringify({ [text]: text })]),
  ];
}

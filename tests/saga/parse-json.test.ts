import { expect, test } from "vitest";
import { jsonDepthMax, KeysagaError } from "../../src/base/index.js";
import { parseJson } from "../../src/saga/index.js";

const nested = (levels: number, open: string, close: string) =>
  `${open.repeat(levels)}1${close.repeat(levels)}`;

/** The rule by which a text is refused; "taken" where it is not. */
function ruleOf(text: string): unknown {
  try {
    parseJson(text);
    return "taken";
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    return thrown.facts["rule"];
  }
}

test.each([
  ["lists", "[", "]"],
  ["objects", '{"a":', "}"],
])(
  "%s nest as deep as anywhere; text that no stack could write again is refused by name",
  (_, open, close) => {
    expect(ruleOf(nested(jsonDepthMax, open, close))).toBe("taken");
    for (const levels of [jsonDepthMax + 1, 8_000, 40_000])
      expect(ruleOf(nested(levels, open, close))).toBe("depth");
  },
);

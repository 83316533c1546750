import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  fromUtf8,
  jsonDepthMax,
  KeysagaError,
  parseCanonicalJson,
  sameJson,
} from "../../src/base/index.js";
import {
  bytesOf,
  es6Numbers,
  jcsNames,
  type JsonCase,
  jsonTestSuite,
  naughtyStrings,
  readVector,
} from "./json-suites.js";

/** The rule a call is refused by, or undefined where it is not refused. */
function ruleOf(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KeysagaError && error.code === "json_refused") return error.facts["rule"];
    throw error;
  }
}

/** What the normal form says of bytes from anyone: its text, or the rule that refuses them. */
function normalOf(bytes: Uint8Array): string {
  const text = fromUtf8(bytes);
  if (text === undefined) return "refused: utf8";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "refused: syntax";
  }
  const rule = ruleOf(() => canonicalJson(value));
  return rule === undefined ? canonicalJson(value) : `refused: ${rule}`;
}

describe("published cases of RFC 8785 (threat 7)", () => {
  // V1 puts index keys first; RFC 8785 sorts them like others, so in these two files a member stands elsewhere.
  const moved: Record<string, readonly [from: string, to: string]> = {
    "structures.json": [
      '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],',
      '{"1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"":"empty",',
    ],
    "weird.json": [
      '{"\\n":"Newline","\\r":"Carriage Return","1":"One",',
      '{"1":"One","\\n":"Newline","\\r":"Carriage Return",',
    ],
  };

  it.each(jcsNames)("%s", (name) => {
    const output = readVector(`jcs/output/${name}`).toString("utf8");
    const [from, to] = moved[name] ?? ["", ""];
    expect(output).toContain(from);
    const expected = output.replace(from, to);
    expect(canonicalJson(JSON.parse(readVector(`jcs/input/${name}`).toString("utf8")))).toBe(expected);
    expect(canonicalJson(parseCanonicalJson(expected))).toBe(expected);
  });

  it("writes 10,000 numbers as ECMAScript does, and refuses -0", () => {
    const lines = es6Numbers();
    expect(lines).toHaveLength(10_000);
    const view = new DataView(new ArrayBuffer(8));
    for (const line of lines) {
      const [bits = "", text = ""] = line.split(",");
      view.setBigUint64(0, BigInt(`0x${bits}`));
      const number = view.getFloat64(0);
      if (Object.is(number, -0)) expect(ruleOf(() => canonicalJson(number))).toBe("negative_zero");
      else {
        expect(canonicalJson(number)).toBe(text);
        expect(parseCanonicalJson(text)).toBe(number);
      }
    }
  });
});

describe("JSONTestSuite (threat 7)", () => {
  const named = (expected: JsonCase["expect"]) =>
    jsonTestSuite.parsing.filter((entry) => entry.expect === expected);

  it("gives every accepted text one normal form, which is a fixed point, or a named rule", () => {
    const refused: Record<string, string> = {};
    for (const entry of named("accept")) {
      const normal = normalOf(bytesOf(entry));
      if (normal.startsWith("refused: ")) refused[entry.name] = normal;
      else expect(canonicalJson(parseCanonicalJson(normal)), entry.name).toBe(normal);
    }
    expect(refused).toEqual({
      "y_number_minus_zero.json": "refused: negative_zero",
      "y_number_negative_zero.json": "refused: negative_zero",
    });
  });

  it("refuses every text that has to be refused", () => {
    for (const entry of named("reject")) expect(normalOf(bytesOf(entry)), entry.name).toMatch(/^refused: /);
    for (const entry of named("reject")) {
      const text = fromUtf8(bytesOf(entry));
      if (text !== undefined)
        expect(
          ruleOf(() => parseCanonicalJson(text)),
          entry.name,
        ).toBeDefined();
    }
  });

  it("takes or refuses an accepted text as it lies by whether it is its own normal form", () => {
    for (const entry of [...named("accept"), ...named("either"), ...jsonTestSuite.transform]) {
      const text = fromUtf8(bytesOf(entry));
      if (text === undefined) continue;
      const isNormal = normalOf(bytesOf(entry)) === text;
      expect(ruleOf(() => parseCanonicalJson(text)) === undefined, entry.name).toBe(isNormal);
    }
  });

  it("decides where parsers may differ", () => {
    const decisions = Object.fromEntries(
      [...named("either"), ...jsonTestSuite.transform].map((entry) => [entry.name, normalOf(bytesOf(entry))]),
    );
    expect(decisions).toEqual({
      "i_number_double_huge_neg_exp.json": "[0]",
      "i_number_huge_exp.json": "refused: number_range",
      "i_number_neg_int_huge_exp.json": "refused: number_range",
      "i_number_pos_double_huge_exp.json": "refused: number_range",
      "i_number_real_neg_overflow.json": "refused: number_range",
      "i_number_real_pos_overflow.json": "refused: number_range",
      "i_number_real_underflow.json": "[0]",
      "i_number_too_big_neg_int.json": "[-1.2312312312312312e+29]",
      "i_number_too_big_pos_int.json": "[100000000000000000000]",
      "i_number_very_big_negative_int.json": "[-2.374623746732769e+47]",
      "i_object_key_lone_2nd_surrogate.json": "refused: surrogate",
      "i_string_1st_surrogate_but_2nd_missing.json": "refused: surrogate",
      "i_string_1st_valid_surrogate_2nd_invalid.json": "refused: surrogate",
      "i_string_UTF-16LE_with_BOM.json": "refused: utf8",
      "i_string_UTF-8_invalid_sequence.json": "refused: utf8",
      "i_string_UTF8_surrogate_U+D800.json": "refused: utf8",
      "i_string_incomplete_surrogate_and_escape_valid.json": "refused: surrogate",
      "i_string_incomplete_surrogate_pair.json": "refused: surrogate",
      "i_string_incomplete_surrogates_escape_valid.json": "refused: surrogate",
      "i_string_invalid_lonely_surrogate.json": "refused: surrogate",
      "i_string_invalid_surrogate.json": "refused: surrogate",
      "i_string_invalid_utf-8.json": "refused: utf8",
      "i_string_inverted_surrogates_U+1D11E.json": "refused: surrogate",
      "i_string_iso_latin_1.json": "refused: utf8",
      "i_string_lone_second_surrogate.json": "refused: surrogate",
      "i_string_lone_utf8_continuation_byte.json": "refused: utf8",
      "i_string_not_in_unicode_range.json": "refused: utf8",
      "i_string_overlong_sequence_2_bytes.json": "refused: utf8",
      "i_string_overlong_sequence_6_bytes.json": "refused: utf8",
      "i_string_overlong_sequence_6_bytes_null.json": "refused: utf8",
      "i_string_truncated-utf-8.json": "refused: utf8",
      "i_string_utf16BE_no_BOM.json": "refused: utf8",
      "i_string_utf16LE_no_BOM.json": "refused: utf8",
      "i_structure_500_nested_arrays.json": "refused: depth",
      "i_structure_UTF-8_BOM_empty_object.json": "refused: syntax",
      "number_-9223372036854775808.json": "[-9223372036854776000]",
      "number_-9223372036854775809.json": "[-9223372036854776000]",
      "number_1.0.json": "[1]",
      "number_1.000000000000000005.json": "[1]",
      "number_1000000000000000.json": "[1000000000000000]",
      "number_10000000000000000999.json": "[10000000000000000000]",
      "number_1e-999.json": "[0]",
      "number_1e6.json": "[1000000]",
      "number_9223372036854775807.json": "[9223372036854776000]",
      "number_9223372036854775808.json": "[9223372036854776000]",
      "object_key_nfc_nfd.json": '{"e\u0301":"NFD","\u00e9":"NFC"}',
      "object_key_nfd_nfc.json": '{"e\u0301":"NFD","\u00e9":"NFC"}',
      "object_same_key_different_values.json": '{"a":2}',
      "object_same_key_same_value.json": '{"a":1}',
      "object_same_key_unclear_values.json": "refused: negative_zero",
      "string_1_escaped_invalid_codepoint.json": "refused: surrogate",
      "string_1_invalid_codepoint.json": "refused: utf8",
      "string_2_escaped_invalid_codepoints.json": "refused: surrogate",
      "string_2_invalid_codepoints.json": "refused: utf8",
      "string_3_escaped_invalid_codepoints.json": "refused: surrogate",
      "string_3_invalid_codepoints.json": "refused: utf8",
      "string_with_escaped_NULL.json": '["A\\u0000B"]',
    });
  });
});

describe("strings from outside", () => {
  it("keeps each as a value and as a key (threat 6)", () => {
    expect(naughtyStrings.length).toBeGreaterThan(500);
    for (const string of naughtyStrings) {
      const text = canonicalJson({ text: string });
      expect(parseCanonicalJson(text)).toEqual({ text: string });
      if (string !== "__proto__")
        expect(parseCanonicalJson(canonicalJson({ [string]: 1 }))).toEqual({ [string]: 1 });
    }
  });
});

describe("normal form", () => {
  it("sorts by UTF-16, after keys that are array indexes by number", () => {
    const keys = ["b", "10", "\u{1f600}", "9", "\ufb33", "-1", "01", "4294967295", "4294967294", "a", ""];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(text))).toEqual([
      ...["9", "10", "4294967294"],
      ...["", "-1", "01", "4294967295", "a", "b", "\u{1f600}", "\ufb33"],
    ]);
    expect(canonicalJson(parseCanonicalJson(text))).toBe(text);
  });

  it("sorts objects in lists, leaves out undefined members, keeps null and empty strings", () => {
    const text = canonicalJson({ c: [{ b: 1, a: 2 }], b: undefined, a: null, "": "" });
    expect(text).toBe('{"":"","a":null,"c":[{"a":2,"b":1}]}');
  });

  it("does not hold on to what it was given", () => {
    const value = Object.assign(Object.create(null), { constructor: "x", toJSON: "y" });
    expect(canonicalJson(value)).toBe('{"constructor":"x","toJSON":"y"}');
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  it.each<[string, unknown, string]>([
    ["NaN", Number.NaN, "number_range"],
    ["an infinity", [Number.NEGATIVE_INFINITY], "number_range"],
    ["-0", { a: -0 }, "negative_zero"],
    ["a lone surrogate", ["a\ud800b"], "surrogate"],
    ["a lone surrogate in a key", { "\udfff": 1 }, "surrogate"],
    ["undefined in a list", [undefined], "undefined_in_list"],
    ["a hole in a list", new Array(1), "undefined_in_list"],
    ["an own __proto__", JSON.parse('{"__proto__":{}}'), "proto_key"],
    ["undefined", undefined, "not_json"],
    ["a function", { toJSON: () => 1 }, "not_json"],
    ["a symbol", [Symbol.iterator], "not_json"],
    ["a bigint", 1n, "not_json"],
    ["a date", new Date(0), "not_json"],
    ["a map", new Map(), "not_json"],
    ["bytes", new Uint8Array(1), "not_json"],
    ["a boxed string", Object("x"), "not_json"],
    ["a cycle", cycle, "depth"],
    ["one level too many", nested(jsonDepthMax + 1), "depth"],
  ])("refuses %s", (_, value, rule) => {
    expect(ruleOf(() => canonicalJson(value))).toBe(rule);
  });

  it.each([
    ["a space", '{"a": 1}', "normal_form"],
    ["a duplicate key", '{"a":1,"a":1}', "key_order"],
    ["another number form", "[1.0]", "normal_form"],
    ["another escape", '["\\u0041"]', "normal_form"],
    ["upper-case escapes", '["\\u001F"]', "normal_form"],
    ["a byte order mark", "\ufeff{}", "syntax"],
    ["keys out of order", '{"b":1,"a":1}', "key_order"],
    ["keys out of order inside a list", '[{"b":1,"a":1}]', "key_order"],
    ["an index key behind others", '{"a":1,"1":1}', "key_order"],
    ["-0", "[-0]", "negative_zero"],
    ["an underflow to -0", "[-1e-999]", "negative_zero"],
    ["an overflow", "[1e400]", "number_range"],
    ["an escaped lone surrogate", '["\\ud800"]', "surrogate"],
    ["a plain lone surrogate", '["\ud800"]', "surrogate"],
    ["an escaped lone surrogate in a key", '{"\\udc00":1}', "surrogate"],
    ["an own __proto__", '{"__proto__":1}', "proto_key"],
    ["one level too many", JSON.stringify(nested(jsonDepthMax + 1)), "depth"],
    ["a hundred thousand levels", "[".repeat(1e5) + "]".repeat(1e5), "depth"],
    ["nothing", "", "syntax"],
  ])("refuses text with %s", (_, text, rule) => {
    expect(ruleOf(() => parseCanonicalJson(text))).toBe(rule);
  });

  it("allows as many levels as the limit says, and an escaped backslash before ud800", () => {
    const deep = JSON.stringify(nested(jsonDepthMax));
    expect(canonicalJson(parseCanonicalJson(deep))).toBe(deep);
    expect(parseCanonicalJson('["\\\\ud800"]')).toEqual(["\\ud800"]);
  });

  it("tells where a second spelling first differs", () => {
    expect(() => parseCanonicalJson('{"a":1 }')).toThrow(
      expect.objectContaining({ facts: { rule: "normal_form", at: 6 } }),
    );
  });
});

describe("properties", () => {
  const json = fc.jsonValue({ noUnicodeString: false, depthSize: "small" });
  const isAdmissible = (value: unknown) => ruleOf(() => canonicalJson(value)) === undefined;

  it("one text for one value, whatever the order of its keys", () => {
    fc.assert(
      fc.property(json.filter(isAdmissible), (value) => {
        const text = canonicalJson(value);
        expect(parseCanonicalJson(text)).toEqual(value);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("accepts text exactly where it is the normal form of what it says (threat 7)", () => {
    fc.assert(
      fc.property(
        json,
        fc.nat(),
        fc.constantFrom(" ", "0", '"', "\\u0020", ",", "{", "-"),
        (value, where, extra) => {
          const text = JSON.stringify(value);
          const at = where % (text.length + 1);
          const changed = text.slice(0, at) + extra + text.slice(at);
          if (ruleOf(() => parseCanonicalJson(changed)) !== undefined) return;
          expect(canonicalJson(JSON.parse(changed))).toBe(changed);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("sameJson", () => {
  const small = fc
    .jsonValue({ maxDepth: 2 })
    .filter((value) => ruleOf(() => canonicalJson(value)) === undefined);

  it("says what comparing normal forms would say", () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        expect(sameJson(a, b)).toBe(canonicalJson(a) === canonicalJson(b));
        expect(sameJson(a, reversed(a))).toBe(true);
        expect(sameJson([a, { x: b }], [a, { x: [b] }])).toBe(false);
      }),
    );
  });

  it.each([
    [[], {}],
    [["a"], { 0: "a" }],
    [null, {}],
    [{ a: 1 }, { a: 1, b: 2 }],
    [
      { a: 1, b: 2 },
      { a: 1, c: 2 },
    ],
    [{ toString: 1 }, { valueOf: 1 }],
    ["1", 1],
  ])("tells %j from %j", (a, b) => {
    expect(sameJson(a, b)).toBe(false);
    expect(sameJson(b, a)).toBe(false);
  });
});

function nested(levels: number): unknown {
  return levels === 0 ? 0 : [nested(levels - 1)];
}

/** The same value with the keys of its objects in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, concatBytes, type Json, lengthPrefixed, utf8 } from "../../src/base/index.js";
import {
  type Address,
  admitRecord,
  type Draft,
  decodeRecord,
  decodeText,
  encodeWithoutGib,
  gibV1,
  type IbGib,
  isPrimitive,
  isReservedIb,
  parseAddress,
  readRecord,
  recordLimits,
  sealRecord,
  shortAddress,
  tjpHashOf,
  toText,
} from "../../src/ibgib/index.js";
import { refusalOf } from "./refusals.js";

const bare = parseAddress(`note^${"A".repeat(64)}`);
const scoped = parseAddress(`note^${"B".repeat(64)}.${"A".repeat(64)}`);
const note = sealRecord({ ib: "note", data: { text: "hi", n: 3 }, rel8ns: { past: [scoped], tjp: [bare] } });

const addresses = fc.constantFrom<Address>(
  parseAddress("a^gib"),
  bare,
  scoped,
  parseAddress(`é 📝^${"C".repeat(64)}`),
);
const linkNames = fc.constantFrom("past", "comment", "ancestor", "1", "tag");
const links = fc.dictionary(linkNames, fc.array(addresses, { minLength: 1, maxLength: 3 }), {
  minKeys: 1,
  maxKeys: 3,
});
const ibs = fc.constantFrom("x", "bin", "bin x", "binary", "a b", "é");
const json = fc.jsonValue({ depthSize: "small" }).map((value): Json => JSON.parse(JSON.stringify(value)));
const jsonData = fc.dictionary(fc.constantFrom("a", "past", "10", "n", "merge", "by"), json, {
  minKeys: 1,
  maxKeys: 3,
});

/** Parts that like to be mistaken for one another: links as data, texts as raw bytes, the same under two ibs. */
const parts = fc.oneof(
  jsonData,
  links,
  links.map((value) => utf8(canonicalJson(value))),
  fc.constantFrom<unknown>(undefined, null, {}, [], "", 0, false, "abc", [1], new Uint8Array(0), {
    past: [],
  }),
);
const plainRecords = fc
  .record({ ib: ibs, data: parts, rel8ns: fc.oneof(fc.constant(undefined), parts) })
  .map(({ ib, data, rel8ns }) => {
    const record = {
      ib,
      ...(data === undefined ? {} : { data }),
      ...(rel8ns === undefined ? {} : { rel8ns }),
    };
    return { ...record, gib: gibV1(record) };
  });
const drafts: fc.Arbitrary<Draft> = fc
  .oneof(
    fc.record({ ib: ibs, data: jsonData, rel8ns: fc.option(links, { nil: undefined }) }),
    fc.record({ ib: ibs, rel8ns: links }),
    fc.record({ ib: fc.constantFrom("bin", "bin x"), data: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
    fc.record({ ib: ibs }),
  )
  .filter((draft) => refusalOf(() => sealRecord(draft)) === undefined);

/** Everything a record says, as one text. */
function saysOf({ ib, gib, data, rel8ns }: IbGib): string {
  const said = data instanceof Uint8Array ? { raw: [...data] } : { data };
  return canonicalJson({ ib, gib, rel8ns, ...said });
}

describe("properties", () => {
  it("every form gives back the same record and the same bytes", () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        const record = sealRecord(draft);
        expect(record.gib).toBe(gibV1(draft));
        const decoded = decodeRecord(record.bytes.slice());
        expect(decoded.bytes).toEqual(record.bytes);
        expect(decoded.address).toBe(record.address);
        expect(saysOf(decoded)).toBe(saysOf(record));
        expect(saysOf(readRecord(record.bytes))).toBe(saysOf(record));
        if (!(record.data instanceof Uint8Array))
          expect(decodeText(toText(record)).bytes).toEqual(record.bytes);
        const { ib, data, rel8ns } = record;
        expect(sealRecord({ ib, data, rel8ns }).bytes).toEqual(record.bytes);
      }),
      { numRuns: 300 },
    );
  });

  it("a member of data is the same, read at admission or later", () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        const { bytes } = sealRecord(draft);
        const [admitted, stored] = [decodeRecord(bytes), readRecord(bytes)];
        for (const name of ["a", "n", "merge", "by", "owner", "isTjp", "constructor"]) {
          const member = admitted.member(name);
          expect(member).toEqual(stored.member(name));
          expect(Object.isFrozen(member) && Object.isFrozen(stored.member(name))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("no two admitted records share an address (threat 8)", () => {
    const saidAt = new Map<Address, string>();
    let admitted = 0;
    fc.assert(
      fc.property(plainRecords, (plain) => {
        const variants = [plain, { ib: plain.ib, gib: plain.gib, data: plain.rel8ns, rel8ns: plain.data }];
        if (typeof plain.data === "object" && !(plain.data instanceof Uint8Array)) {
          if (refusalOf(() => canonicalJson(plain.data)) === undefined) {
            variants.push({
              ib: plain.ib,
              gib: plain.gib,
              data: utf8(canonicalJson(plain.data)),
              rel8ns: undefined,
            });
          }
        }
        for (const variant of variants) {
          if (refusalOf(() => admitRecord(variant)) !== undefined) continue;
          const record = admitRecord(variant);
          admitted++;
          expect(saidAt.get(record.address) ?? saysOf(record)).toBe(saysOf(record));
          saidAt.set(record.address, saysOf(record));
        }
      }),
      { numRuns: 2000 },
    );
    expect(admitted).toBeGreaterThan(500);
  });

  it("a changed byte is refused, or makes a record of another address (threat 9)", () => {
    fc.assert(
      fc.property(drafts, fc.nat(), fc.integer({ min: 1, max: 255 }), (draft, where, flip) => {
        const { bytes, address } = sealRecord(draft);
        const changed = bytes.slice();
        changed[where % bytes.length]! ^= flip;
        if (refusalOf(() => decodeRecord(changed)) === undefined) {
          expect(decodeRecord(changed).address).not.toBe(address);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("bytes that are cut off, or followed by others, are refused", () => {
    for (let length = 0; length < note.bytes.length; length++) {
      expect(refusalOf(() => decodeRecord(note.bytes.slice(0, length)))).toBe("record_refused framing");
    }
    expect(refusalOf(() => decodeRecord(concatBytes(note.bytes, new Uint8Array(1))))).toBe(
      "record_refused framing",
    );
  });
});

describe("the byte form", () => {
  const form = (flags: number, ...pieces: (string | Uint8Array)[]) =>
    concatBytes(Uint8Array.of(1, flags), lengthPrefixed(...pieces));
  const gibOf = (ib: string, data: unknown) => gibV1({ ib, data });
  const bytes = Uint8Array.of(0xff, 0);

  it("is version, flags, then length-prefixed ib, gib, rel8ns, data", () => {
    expect(note.bytes).toEqual(form(3, "note", note.gib, canonicalJson(note.rel8ns), '{"n":3,"text":"hi"}'));
    expect(sealRecord({ ib: "bin", data: bytes }).bytes).toEqual(form(6, "bin", gibOf("bin", bytes), bytes));
    expect(admitRecord({ ib: "note", gib: "gib" }).bytes).toEqual(form(0, "note", "gib"));
  });

  it("leaves the gib empty for the digest of a keystone frame", () => {
    const { ib, data, rel8ns } = note;
    expect(encodeWithoutGib({ ib, data, rel8ns })).toEqual(
      form(3, "note", "", canonicalJson(note.rel8ns), '{"n":3,"text":"hi"}'),
    );
  });

  it.each<[string, Uint8Array, string]>([
    ["another version", Uint8Array.of(2, ...note.bytes.slice(1)), "record_refused framing"],
    ["an unknown flag", form(8, "x", "gib"), "record_refused framing"],
    ["raw without data", form(4, "x", "gib"), "record_refused framing"],
    ["a length beyond the end", form(0, "x", "gib").fill(0xff, 2, 6), "record_refused framing"],
    ["an ib that is not UTF-8", form(0, bytes, "gib"), "record_refused utf8"],
    ["an ib with a ^", form(0, "a^b", "gib"), "record_refused ib"],
    ["an empty ib", form(0, "", "gib"), "record_refused ib"],
    ["an empty gib", form(0, "x", ""), "record_refused gib_shape"],
    ["a primitive with data", form(2, "x", "gib", '{"a":1}'), "record_refused primitive_content"],
    ["JSON with a space", form(2, "x", gibOf("x", { a: 1 }), '{"a": 1}'), "json_refused normal_form"],
    ["data that is flagged and empty", form(2, "x", gibOf("x", 0), ""), "json_refused syntax"],
    ["empty raw data", form(6, "bin", gibOf("bin", bytes), ""), "record_refused empty_data"],
    ["empty data", form(2, "x", gibOf("x", {}), "{}"), "record_refused empty_data"],
    ["links that are no addresses", form(1, "x", "gib", '{"a":["b"]}'), "record_refused rel8ns_shape"],
    ["links that are no JSON", form(1, "x", "gib", '{"a":["b"'), "json_refused syntax"],
    ["data that is a list", form(2, "x", gibOf("x", [1]), "[1]"), "record_refused data_not_object"],
    ["data like rel8ns", form(2, "x", "gib", '{"past":["a^gib"]}'), "record_refused data_like_rel8ns"],
    ["JSON in a bin", form(2, "bin", gibOf("bin", { a: 1 }), '{"a":1}'), "record_refused bin_data"],
    ["raw bytes elsewhere", form(6, "x", gibOf("x", bytes), bytes), "record_refused raw_outside_bin"],
    [
      "links in a bin",
      form(1, "bin", gibV1({ ib: "bin", rel8ns: { a: ["b^gib"] } }), '{"a":["b^gib"]}'),
      "record_refused bin_rel8ns",
    ],
    ["the gib of other data", form(2, "x", gibOf("x", { a: 1 }), '{"a":2}'), "record_refused gib_mismatch"],
    ["too many bytes", new Uint8Array(recordLimits.recordBytesMax + 1), "limit_exceeded recordBytesMax"],
    ["a long ib", form(0, "x".repeat(recordLimits.ibBytesMax + 1), "gib"), "limit_exceeded ibBytesMax"],
  ])("refuses %s", (_, input, refusal) => {
    expect(refusalOf(() => decodeRecord(input))).toBe(refusal);
  });
});

describe("admission", () => {
  const tooMany = Array.from({ length: recordLimits.addressesMax + 1 }, () => bare);
  const manyNames = Array.from(
    { length: recordLimits.rel8nNamesMax + 1 },
    (_, at) => [`r${at}`, [bare]] as const,
  );

  it.each<[string, Draft, string]>([
    ["empty data", { ib: "x", data: {} }, "record_refused empty_data"],
    ["only undefined members", { ib: "x", data: { a: undefined } }, "record_refused empty_data"],
    ["empty rel8ns", { ib: "x", rel8ns: {} }, "record_refused rel8ns_shape"],
    ["an empty list", { ib: "x", rel8ns: { a: [] } }, "record_refused rel8ns_shape"],
    ["two tjps", { ib: "x", rel8ns: { tjp: [bare, bare] } }, "record_refused tjp"],
    ["a scoped tjp", { ib: "x", rel8ns: { tjp: [scoped] } }, "record_refused tjp"],
    ["a primitive tjp", { ib: "x", rel8ns: { tjp: [parseAddress("a^gib")] } }, "record_refused tjp"],
    [
      "isTjp beside past",
      { ib: "x", data: { isTjp: true }, rel8ns: { past: [bare] } },
      "record_refused is_tjp",
    ],
    ["isTjp false", { ib: "x", data: { isTjp: false } }, "record_refused is_tjp"],
    ["an own __proto__", { ib: "x", data: JSON.parse('{"__proto__":{"a":1}}') }, "json_refused proto_key"],
    ["data like rel8ns", { ib: "x", data: { past: ["a^gib"] } }, "record_refused data_like_rel8ns"],
    ["a lone surrogate in the ib", { ib: "\ud800" }, "record_refused ib"],
    ["too many addresses", { ib: "x", rel8ns: { a: tooMany } }, "limit_exceeded addressesMax"],
    ["too many names", { ib: "x", rel8ns: Object.fromEntries(manyNames) }, "limit_exceeded rel8nNamesMax"],
    [
      "too long a text",
      { ib: "x", data: { t: "x".repeat(recordLimits.recordBytesMax) } },
      "limit_exceeded recordBytesMax",
    ],
  ])("seals no record with %s", (_, draft, refusal) => {
    expect(refusalOf(() => sealRecord(draft))).toBe(refusal);
  });

  it("allows data that looks like rel8ns beside rel8ns", () => {
    const data = { past: ["a^gib"] };
    expect(sealRecord({ ib: "x", data, rel8ns: { tag: [bare] } }).data).toEqual(data);
  });

  it.each<[string, unknown, string]>([
    ["nothing", null, "record_refused members"],
    ["a string", "x^gib", "record_refused members"],
    ["a symbol member", { ib: "x", gib: "gib", [Symbol.for("a")]: 1 }, "record_refused members"],
    ["a number for ib", { ib: 1, gib: "gib" }, "record_refused ib"],
  ])("refuses %s for a record", (_, plain, refusal) => {
    expect(refusalOf(() => admitRecord(plain))).toBe(refusal);
  });

  it("takes no raw bytes as text", () => {
    const bin = sealRecord({ ib: "bin", data: Uint8Array.of(1) });
    expect(refusalOf(() => toText(bin))).toBe("record_refused raw_as_text");
    expect(refusalOf(() => decodeText(["bin", bin.gib, "", "1"]))).toBe("record_refused bin_data");
    expect(refusalOf(() => decodeText(["x", bin.gib, "", '{"a":1}']))).toBe("record_refused gib_mismatch");
  });
});

describe("a record", () => {
  it("does not change with what it was made of, or with what it hands out", () => {
    const data = { list: [1] };
    const raw = Uint8Array.of(1, 2);
    const record = sealRecord({ ib: "x", data });
    const bin = sealRecord({ ib: "bin", data: raw });
    data.list.push(2);
    raw[0] = 9;
    expect(record.data).toEqual({ list: [1] });
    for (const handed of [record.data, listOf(record), note.rel8ns, note.rel8ns?.["past"]]) {
      expect(Object.isFrozen(handed)).toBe(true);
    }
    const handed = bin.data;
    if (handed instanceof Uint8Array) handed[1] = 9;
    expect(decodeRecord(bin.bytes).address).toBe(bin.address);
    expect(decodeRecord(bin.bytes).data).toEqual(Uint8Array.of(1, 2));
  });

  it("tells of damage in the store where it meets it", () => {
    const broken = note.bytes.with(note.bytes.length - 1, 0);
    expect(refusalOf(() => readRecord(note.bytes.slice(0, 9)))).toBe("store_damaged undefined");
    expect(readRecord(broken).address).toBe(note.address);
    expect(refusalOf(() => readRecord(broken).data)).toBe("store_damaged undefined");
  });
});

function listOf({ data }: IbGib): Json | undefined {
  return data instanceof Uint8Array ? undefined : data?.["list"];
}

describe("addresses", () => {
  it("have a short form for people", () => {
    expect([bare, scoped, parseAddress("note^gib")].map(shortAddress)).toEqual([
      "note^AAAA…",
      "note^BBBB….AAAA…",
      "note^gib",
    ]);
    expect([isPrimitive(bare), isPrimitive(parseAddress("note^gib"))]).toEqual([false, true]);
    expect([tjpHashOf(bare), tjpHashOf(scoped)]).toEqual([undefined, "A".repeat(64)]);
  });

  it.each([
    "",
    "x",
    "^gib",
    "a^b^gib",
    "\ud800^gib",
    `x^${"a".repeat(64)}`,
    `x^${"A".repeat(64)}\n`,
    7,
    null,
  ])("%j is none", (value) => {
    expect(refusalOf(() => parseAddress(value))).toBe("record_refused address");
  });

  it("know what is reserved", () => {
    const isReserved = (ib: Json) => isReservedIb(String(ib));
    expect(["keystone", "context", "keystone x", "context x y"].every(isReserved)).toBe(true);
    expect(["keystones", "a keystone", "Keystone", "contexts x", "note"].some(isReserved)).toBe(false);
  });
});

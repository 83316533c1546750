import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { canonicalJson, fromHex, sha256, toHex, utf8 } from "../../src/base/index.js";
import {
  admitRecord,
  checkFirst,
  checkSuccessor,
  decodeRecord,
  decodeText,
  type ForeignRecord,
  gibV1,
  type IbGib,
  isAddress,
  isFrame,
  isTjp,
  nOf,
  previousOf,
  tjpOf,
  toText,
} from "../../src/ibgib/index.js";
import { refusalOf } from "./refusals.js";

interface GibCase {
  readonly id: string;
  readonly note: string;
  readonly inputJson?: string;
  readonly inputIb?: string;
  readonly inputDataHex?: string;
  readonly rel8nsPreimage: string | null;
  readonly dataPreimage: string | null;
  readonly dataHash: string;
  /** Null where the public software throws. */
  readonly gib: string | null;
  readonly addr: string | null;
}

interface Pair {
  readonly id: string;
  readonly a: string;
  readonly b: string | null;
  readonly bIb?: string;
  readonly bDataHex?: string;
  readonly gibA: string;
  readonly gibB: string;
  readonly equal: boolean;
}

interface Foreign {
  readonly addr: string;
  readonly record: unknown;
}

interface Vectors {
  readonly vectors: readonly GibCase[];
  readonly equalHashes: { readonly emptyIb: string; readonly pairs: readonly Pair[] };
  readonly addresses: readonly { id: string; addr: string; valid: boolean }[];
  readonly timelines: {
    readonly list: readonly {
      readonly id: string;
      readonly tjpAddr: string | null;
      readonly tip: string;
      readonly frames: readonly Foreign[];
      readonly dna: readonly Foreign[];
    }[];
  };
  readonly admission: {
    readonly list: readonly { id: string; note: string; record: unknown; want: string }[];
  };
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../vectors/ibgib-gib-v1.json", import.meta.url), "utf8"),
);

function recordOf(json: string | null | undefined, ib = "", dataHex = ""): ForeignRecord {
  return typeof json === "string" ? JSON.parse(json) : { ib, data: fromHex(dataHex) };
}

function withGib(record: ForeignRecord, gib: string | null): unknown {
  return { ...record, gib };
}

describe("known gibs", () => {
  it.each(vectors.vectors.map((entry) => [`${entry.id} ${entry.note}`, entry] as const))("%s", (_, entry) => {
    const record = recordOf(entry.inputJson, entry.inputIb, entry.inputDataHex);
    if (entry.gib === null) expect(refusalOf(() => gibV1(record))).toBe("record_refused tjp");
    else expect(gibV1(record)).toBe(entry.gib);
    const admitted = refusalOf(() => admitRecord(withGib(record, entry.gib)));
    if (admitted === undefined) expect(admitRecord(withGib(record, entry.gib)).address).toBe(entry.addr);
  });

  it("admits all of them but those with a named reason", () => {
    const refused = vectors.vectors.flatMap(({ id, gib, inputJson, inputIb, inputDataHex }) => {
      const refusal = refusalOf(() => admitRecord(withGib(recordOf(inputJson, inputIb, inputDataHex), gib)));
      return refusal === undefined ? [] : [[id, refusal]];
    });
    expect(Object.fromEntries(refused)).toEqual({
      g002: "record_refused rel8ns_shape",
      g003: "record_refused rel8ns_shape",
      g004: "record_refused rel8ns_shape",
      g008: "record_refused rel8ns_shape",
      g013: "record_refused data_not_object",
      g014: "record_refused data_not_object",
      g021: "record_refused data_not_object",
      g023: "record_refused data_not_object",
      g024: "record_refused data_not_object",
      g027: "record_refused rel8ns_shape",
      g028: "record_refused rel8ns_shape",
      g046: "json_refused surrogate",
      g048: "record_refused ib",
      g058: "record_refused rel8ns_shape",
      g067: "record_refused gib_shape",
      g069: "record_refused is_tjp",
      g070: "record_refused gib_shape",
      g071: "record_refused is_tjp",
    });
  });

  it("hashes the same texts", () => {
    for (const { id, inputJson, rel8nsPreimage, dataPreimage, dataHash } of vectors.vectors) {
      if (inputJson === undefined) continue;
      const { rel8ns, data } = recordOf(inputJson);
      const strict = (value: unknown) => refusalOf(() => canonicalJson(value)) === undefined;
      if (rel8nsPreimage !== null && strict(rel8ns)) expect(canonicalJson(rel8ns), id).toBe(rel8nsPreimage);
      if (dataPreimage !== null && strict(data)) {
        expect(canonicalJson(data), id).toBe(dataPreimage);
        expect(toHex(sha256(utf8(dataPreimage))).toUpperCase(), id).toBe(dataHash);
      }
    }
  });
});

describe("equal hashes (threat 8)", () => {
  it.each(vectors.equalHashes.pairs.map((pair) => [pair.id, pair] as const))("%s", (_, pair) => {
    const a = recordOf(pair.a);
    const b = recordOf(pair.b, pair.bIb, pair.bDataHex);
    expect([gibV1(a), gibV1(b)]).toEqual([pair.gibA, pair.gibB]);
    expect(pair.gibA === pair.gibB).toBe(pair.equal);
    const admitted = [withGib(a, pair.gibA), withGib(b, pair.gibB)].filter(
      (plain) => refusalOf(() => admitRecord(plain)) === undefined,
    );
    if (pair.equal) expect(admitted.length).toBeLessThanOrEqual(1);
  });

  it("an empty ib gives the hash of an empty text, which is none", () => {
    expect(gibV1({ ib: "" })).toBe("");
    expect(refusalOf(() => admitRecord({ ib: "", gib: "" }))).toBe("record_refused gib_shape");
  });
});

describe("addresses", () => {
  // The public software takes these for addresses; admission wants 64 digits, and a bare gib behind the dot.
  const stricter: Record<string, string> = {
    a14: "a primitive behind the dot",
    a17: "32 digits",
    a18: "three pieces",
  };

  it.each(vectors.addresses.map((entry) => [`${entry.id} ${entry.addr.slice(0, 24)}`, entry] as const))(
    "%s",
    (_, entry) => {
      expect(isAddress(entry.addr)).toBe(entry.valid && !(entry.id in stricter));
    },
  );
});

describe("timelines of the public software", () => {
  it.each(vectors.timelines.list.map((timeline) => [timeline.id, timeline] as const))("%s", (_, timeline) => {
    const frames = timeline.frames.map(({ record }) => admitRecord(record));
    expect(frames.map((frame) => frame.address)).toEqual(timeline.frames.map(({ addr }) => addr));
    expect(frames.at(-1)?.address).toBe(timeline.tip);
    if (timeline.tjpAddr === null) expect(frames.some(isFrame)).toBe(false);
    else checkTimeline(frames);
    for (const { record, addr } of timeline.dna) expect(isFrame(admitRecord(record)), addr).toBe(false);
  });

  it.each(vectors.timelines.list.map((timeline) => [timeline.id, timeline] as const))(
    "%s survives the byte form and the text form",
    (_, { frames, dna }) => {
      for (const { record, addr } of [...frames, ...dna]) {
        const admitted = admitRecord(record);
        const decoded = decodeRecord(admitted.bytes.slice());
        expect(decoded.address).toBe(addr);
        expect({ ib: decoded.ib, gib: decoded.gib, data: decoded.data, rel8ns: decoded.rel8ns }).toEqual({
          data: undefined,
          ...Object(record),
        });
        expect(decodeText(toText(decoded)).bytes).toEqual(admitted.bytes);
      }
    },
  );

  function checkTimeline(frames: readonly IbGib[]): void {
    const [first, ...later] = frames;
    expect(first && isTjp(first)).toBe(true);
    if (first === undefined) return;
    checkFirst(first);
    let parent = first;
    for (const frame of later) {
      checkSuccessor(frame, parent);
      expect(tjpOf(frame)).toBe(first.address);
      expect(previousOf(frame)).toBe(parent.address);
      expect(nOf(frame)).toBe((nOf(parent) ?? -1) + 1);
      parent = frame;
    }
    expect(refusalOf(() => checkSuccessor(first, first))).toBe("chain_refused tjp");
  }
});

describe("admission", () => {
  it.each(vectors.admission.list.map((entry) => [`${entry.id} ${entry.note}`, entry] as const))(
    "%s",
    (_, { record, want }) => {
      const before = JSON.stringify(record);
      expect(refusalOf(() => admitRecord(record)) === undefined ? "accept" : "reject").toBe(want);
      expect(JSON.stringify(record)).toBe(before);
    },
  );

  it("names the rule each refused case breaks (threat 9)", () => {
    const rules = vectors.admission.list
      .filter(({ want }) => want === "reject")
      .map(({ id, record }) => [id, refusalOf(() => admitRecord(record))?.replace("record_refused ", "")]);
    expect(Object.fromEntries(rules)).toEqual({
      v02: "gib_mismatch",
      v03: "gib_mismatch",
      v04: "gib_mismatch",
      v05: "gib_shape",
      v06: "gib_shape",
      v07: "gib_mismatch",
      v09: "primitive_content",
      v10: "primitive_content",
      v11: "gib_shape",
      v12: "gib_shape",
      v13: "members",
      v15: "gib_mismatch",
      v17: "gib_mismatch",
      v18: "gib_mismatch",
      v19: "is_tjp",
      v20: "ib",
      v21: "rel8ns_shape",
      v22: "rel8ns_shape",
      v23: "data_not_object",
      v24: "data_like_rel8ns",
    });
  });
});

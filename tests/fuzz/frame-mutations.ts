import { fromUtf8, utf8 } from "../../src/base/index.js";
import { decodeRecord, type IbGib, type RecordText, sealRecord, toText } from "../../src/ibgib/index.js";
import { recordsFrame } from "../../src/saga/index.js";
import type { Message } from "../../src/transport/index.js";
import { fieldsMutated, type Surroundings, textChanged } from "./field-mutations.js";
import type { Choices } from "./random.js";

/** Bytes that lie otherwise: flipped, cut, put in, repeated, or half of one message and half of another. */
export function bytesMutated(bytes: Uint8Array, choices: Choices, other: Uint8Array): Uint8Array {
  const at = choices.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + choices.below(choices.chance(0.5) ? 4 : 200));
  switch (choices.below(6)) {
    case 0: {
      const flipped = bytes.slice();
      for (let i = 0; i <= choices.below(3); i++)
        flipped[choices.below(bytes.length)]! ^= 1 << choices.below(8);
      return flipped;
    }
    case 1:
      return bytes.slice(0, at);
    case 2:
      return joined(bytes.subarray(0, at), bytes.subarray(to));
    case 3:
      return joined(bytes.subarray(0, at), Uint8Array.of(choices.below(256)), bytes.subarray(at));
    case 4:
      return joined(bytes.subarray(0, to), bytes.subarray(at));
    default:
      return joined(bytes.subarray(0, at), other.subarray(choices.below(other.length + 1)));
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A text message of which no field may be left; it is UTF-8 all the same, since a transport lets nothing else pass. */
export function textMutated(text: string, choices: Choices, other: string): string {
  if (choices.chance(0.4)) return textChanged(text, choices);
  return Buffer.from(bytesMutated(utf8(text), choices, utf8(other))).toString("utf8");
}

/** A payload frame whose records, or list, say something else; hashes and lengths are right. */
export function payloadMutated(
  frame: Uint8Array,
  choices: Choices,
  around: Surroundings,
): { readonly frame: Uint8Array; readonly renamed: ReadonlyMap<string, string> } {
  const renamed = new Map<string, string>();
  const records = recordsOf(frame);
  if (records === undefined) {
    const text = fromUtf8(frame.subarray(1)) ?? "[]";
    return { frame: joined(frame.subarray(0, 1), utf8(fieldsMutated(text, choices, around))), renamed };
  }
  const at = choices.below(records.length);
  switch (choices.below(5)) {
    case 0:
      records.splice(at, 1);
      break;
    case 1:
      records.splice(at, 0, records[at]!);
      break;
    case 2:
      records.push(records.splice(at, 1)[0]!);
      break;
    default:
      records[at] = recordMutated(records[at]!, choices, around) ?? records[at]!;
  }
  return {
    frame: choices.chance(0.7) ? recordsFrame(linkedAnew(records, renamed)) : recordsFrame(records),
    renamed,
  };

  /** Those behind a record that was changed link to what it is now: a history that is right in itself. */
  function linkedAnew(list: readonly IbGib[], names: Map<string, string>): readonly IbGib[] {
    const before = recordsOf(frame) ?? [];
    const changed = list[at];
    if (changed && before[at] && list.length === before.length)
      names.set(before[at].address, changed.address);
    return list.map((record, index) => (index <= at ? record : (renamedIn(record, names) ?? record)));
  }
}

/** The record with names put in the place of others; it gets a name of its own, which is noted. */
function renamedIn(record: IbGib, names: Map<string, string>): IbGib | undefined {
  if (names.size === 0 || record.data instanceof Uint8Array) return undefined;
  const text = toText(record);
  const changed = text.map((part, at) => (at < 2 ? part : renamedText(part, names))) as RecordText;
  const sealed = changed.join() === text.join() ? undefined : sealedAnew(changed);
  if (sealed) names.set(record.address, sealed.address);
  return sealed;
}

export function renamedText(text: string, names: ReadonlyMap<string, string>): string {
  let renamed = text;
  for (const [from, to] of names) renamed = renamed.replaceAll(from, to);
  return renamed;
}

function recordMutated(record: IbGib, choices: Choices, around: Surroundings): IbGib | undefined {
  if (record.data instanceof Uint8Array) return undefined;
  const [text] = JSON.parse(fieldsMutated(JSON.stringify([toText(record)]), choices, around));
  return Array.isArray(text) && text.length === 4 ? sealedAnew(text as RecordText) : undefined;
}

function sealedAnew([ib, , rel8ns, data]: RecordText): IbGib | undefined {
  try {
    return sealRecord({
      ib,
      ...(rel8ns !== "" && { rel8ns: JSON.parse(rel8ns) }),
      ...(data !== "" && { data: JSON.parse(data) }),
    });
  } catch {
    return undefined;
  }
}

/** The records of a frame that is one of records; undefined for any other. */
function recordsOf(frame: Uint8Array): IbGib[] | undefined {
  if (frame[0] !== 1) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const records: IbGib[] = [];
  for (let at = 1; at < frame.length; at += 4 + view.getUint32(at))
    records.push(decodeRecord(frame.slice(at + 4, at + 4 + view.getUint32(at))));
  return records;
}

/** Any message, gone wrong in a way that needs no key. */
export function mutated(message: Message, choices: Choices, around: Surroundings): Message {
  const other = choices.pick(around.texts) ?? "";
  if (typeof message !== "string") {
    if (choices.chance(0.02)) return Buffer.from(message).toString("latin1");
    return choices.chance(0.4)
      ? bytesMutated(message, choices, utf8(other))
      : payloadMutated(message, choices, around).frame;
  }
  if (choices.chance(0.01)) return utf8(message);
  return choices.chance(0.4) ? textMutated(message, choices, other) : fieldsMutated(message, choices, around);
}

import { Presence } from "./presence.js";
import { checkReferenceKey } from "./references.js";
import { decodeProofRow, decodeRecordRow, decodeReferenceRow, decodeTipRow } from "./rows.js";
import type { Scanned } from "./space.js";
import type { Store, Table } from "./store.js";

/** What one row comes to: nothing, where it is only staged. */
type Scan = (presence: Presence, key: string, value: Uint8Array) => Iterable<Scanned>;

/** Tips come before records: the record of every tip that is scanned is scanned as well. */
const scans: readonly (readonly [Table, Scan])[] = [
  ["tips", (_presence, _key, value) => [{ kind: "tip", tip: decodeTipRow(value).tip }]],
  [
    "references",
    (_presence, key, value) => [
      { kind: "reference", reference: checkReferenceKey(key, decodeReferenceRow(value)) },
    ],
  ],
  ["cells", (_presence, key, value) => [{ kind: "cell", key, value: value.slice() }]],
  ["proofs", scanProof],
  ["records", scanRecord],
];

/** Everything committed, in pages, each from one snapshot. Rows that cannot be read are `damaged`; the scan goes on. */
export function* scanStore(store: Store): Generator<Scanned[]> {
  for (const [table, scan] of scans) {
    for (const page of store.scan(table)) {
      yield store.read((reader) => {
        const presence = new Presence(reader);
        return page.flatMap(([key, value]) => scanRow(presence, table, key, value, scan));
      });
    }
  }
}

function scanRow(presence: Presence, table: Table, key: string, value: Uint8Array, scan: Scan): Scanned[] {
  try {
    return [...scan(presence, key, value)];
  } catch {
    return [{ kind: "damaged", table, key }];
  }
}

function scanRecord(presence: Presence, key: string, value: Uint8Array): Scanned[] {
  const { batches, bytes } = decodeRecordRow(value);
  return presence.isVisible(batches) ? [{ kind: "record", gib: key, bytes }] : [];
}

function scanProof(_presence: Presence, key: string, value: Uint8Array): Scanned[] {
  const { groups, bytes } = decodeProofRow(value);
  return groups.map((group) => ({ kind: "proof", gib: key, group, bytes }));
}

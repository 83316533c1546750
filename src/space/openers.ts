/** Who has a store open: so that what a killed process staged is told from what a running one is staging. */
import { KeysagaError } from "../base/index.js";
import { nextCount, removePortion, removeStage, type StoredStage } from "./batches.js";
import { decodeStageRow, decodeTexts, encodeTexts } from "./rows.js";
import type { Store } from "./store.js";

/** The process that opens a store. */
export interface Process {
  readonly pid: number;
  readonly isAlive: (pid: number) => boolean;
}

/** Of the tables, and of lmdb's keys. */
const format = "1";

/**
 * Openings by this process. One that is not here and has our process id is left from a process that is gone. (One of
 * another store that has the same number here only keeps what is left for a later opening to find.)
 */
const openHere = new Set<string>();

/**
 * Enters an opening, and drops the stages of those that are gone: their sagas ended with them.
 *
 * @returns its name, which no other opening of this store has had.
 * @throws KeysagaError `store_failed`, where the store was made by another version.
 */
export async function enterOpener(store: Store, self: Process): Promise<string> {
  const opener = await store.write((writer) => {
    const found = writer.get("meta", "format");
    if (found === undefined) writer.put("meta", "format", encodeTexts([format]));
    else checkFormat(decodeTexts(found, "meta", 1)[0]!);
    const id = String(nextCount(writer, "openers"));
    writer.put("openers", id, encodeTexts([String(self.pid)]));
    return id;
  });
  openHere.add(opener);
  await dropAbandoned(store, self);
  return opener;
}

export async function leaveOpener(store: Store, id: string): Promise<void> {
  openHere.delete(id);
  await store.write((writer) => writer.remove("openers", id));
}

/** Removes what a stage has in the store, a portion at a time: a long one stops nobody. Idempotent. */
export async function dropStored(store: Store, { batch, portions }: StoredStage): Promise<void> {
  for (let portion = 0; portion < portions; portion++) {
    await store.write((writer) => removePortion(writer, batch, portion));
  }
  await store.write((writer) => removeStage(writer, batch));
}

async function dropAbandoned(store: Store, self: Process): Promise<void> {
  const openers = store.read((reader) => [...reader.entries("openers")]);
  const gone = new Set(openers.filter(([id, row]) => isGone(id, row, self)).map(([id]) => id));
  const stages = store.read((reader) => [...reader.entries("stages")]);
  for (const [batch, row] of stages) {
    const { opener, portions } = decodeStageRow(row);
    if (gone.has(opener)) await dropStored(store, { batch: Number(batch), portions });
  }
  for (const id of gone) await store.write((writer) => writer.remove("openers", id));
}

function isGone(id: string, row: Uint8Array, self: Process): boolean {
  const pid = Number(decodeTexts(row, "openers", 1)[0]);
  return pid === self.pid ? !openHere.has(id) : !self.isAlive(pid);
}

function checkFormat(found: string): void {
  if (found === format) return;
  throw new KeysagaError("store_failed", { reason: `the store has format ${found}, not ${format}` });
}

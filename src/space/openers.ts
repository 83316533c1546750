/** Who has a store open: so that what a killed process staged is told from what a running one is staging. */
import { KeysagaError } from "../base/index.js";
import { removePortion, removeStage, type StoredStage } from "./batches.js";
import { decodeStageRow, decodeTexts, encodeTexts } from "./rows.js";
import type { Reader, Store } from "./store.js";

/** One opening of a store by a process. */
export interface Opener {
  /** Random. */
  readonly id: string;
  readonly pid: number;
  readonly isAlive: (pid: number) => boolean;
}

/** Of the tables, and of lmdb's keys. */
const format = "1";

/** Openings by this process. One that is not here and has our process id is left from a process that is gone. */
const openHere = new Set<string>();

/**
 * Enters an opener, and drops the stages of those that are gone: their sagas ended with them.
 *
 * @throws KeysagaError `store_failed`, where the store was made by another version.
 */
export async function enterOpener(store: Store, opener: Opener): Promise<void> {
  await store.write((writer) => {
    const found = writer.get("meta", "format");
    if (found === undefined) writer.put("meta", "format", encodeTexts([format]));
    else checkFormat(decodeTexts(found, "meta", 1)[0]!);
    writer.put("openers", opener.id, encodeTexts([String(opener.pid)]));
  });
  openHere.add(opener.id);
  const running = store.read((reader) => runningOpeners(reader, opener));
  const stages = store.read((reader) => [...reader.entries("stages")]);
  for (const [batch, row] of stages) {
    const stage = decodeStageRow(row);
    if (!running.has(stage.opener))
      await dropStored(store, { batch: Number(batch), portions: stage.portions });
  }
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

function runningOpeners(reader: Reader, self: Opener): ReadonlySet<string> {
  const running = new Set<string>();
  for (const [id, row] of reader.entries("openers")) {
    const pid = Number(decodeTexts(row, "openers", 1)[0]);
    if (pid === self.pid ? openHere.has(id) : self.isAlive(pid)) running.add(id);
  }
  return running;
}

function checkFormat(found: string): void {
  if (found === format) return;
  throw new KeysagaError("store_failed", { reason: `the store has format ${found}, not ${format}` });
}

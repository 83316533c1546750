/**
 * The tables of a space, as the store under it keeps them: small ordered maps from text to bytes with transactions.
 * Everything a space decides is written once against this; a store only has to keep it.
 *
 * Both kinds of transaction are synchronous: nothing else runs between a look and the write that rests on it.
 */
export type Table =
  /** gib → record row. The gib covers the ib, so two admitted records with one gib are one record. */
  | "records"
  /** gib → what a record adds to the timelines its closure reaches; see relations.ts. */
  | "relations"
  /** gib of a holder, `/`, hash of a target → reference row; see references.ts. */
  | "references"
  /** gib of a first frame → tip row. */
  | "tips"
  /**
   * gib of a first frame, `/`, gib of one that says it is within it → address of that one and its owner, once it has a tip.
   * One that is within nothing is filed under its owner.
   */
  | "within"
  /** gib of a first frame, `/`, n → the address of that frame, for every 32nd n. */
  | "frames"
  /** batch id → batch row: in whose name records are held. */
  | "batches"
  /** holder → the batch id of what was committed in its name without being staged in the store. */
  | "holders"
  /** batch id → who staged it, for those not committed. */
  | "stages"
  /** batch id, `/`, count → the gibs of one portion of a stage. */
  | "portions"
  /** gib → proof row. */
  | "proofs"
  /** gib of a group → group row; gib of a group, `/`, count → gib of a proof. */
  | "groups"
  | "cells"
  /** opener id → process id. */
  | "openers"
  /** `format`, and counters. */
  | "meta";

export interface Reader {
  /** The bytes are the caller's to keep, not to write to. */
  get(table: Table, key: string): Uint8Array | undefined;
  /** Entries whose key starts with `prefix`, in no particular order. */
  entries(table: Table, prefix?: string): Iterable<readonly [key: string, value: Uint8Array]>;
}

export interface Writer extends Reader {
  put(table: Table, key: string, value: Uint8Array): void;
  /** Puts where the key is not taken; says whether it did. */
  putNew(table: Table, key: string, value: Uint8Array): boolean;
  remove(table: Table, key: string): void;
}

/** Where the store itself fails, every method throws KeysagaError `store_failed` or `store_damaged`. */
export interface Store {
  /**
   * Runs `work` on one snapshot, which sees every write that has resolved, and none that is not durable: a receipt may be
   * given for what was read.
   */
  read<Result>(work: (reader: Reader) => Result): Result;
  /**
   * Runs `work` alone, in all processes, and resolves once what it wrote is durable. Where `work` throws, nothing is
   * written. Several that are under way may share a flush.
   */
  write<Result>(work: (writer: Writer) => Result): Promise<Result>;
  /** A whole table in pages. May be left at any time: between pages nothing is held. */
  scan(table: Table): Iterable<readonly (readonly [key: string, value: Uint8Array])[]>;
  /** See `Space.checkRoom`. */
  checkRoom?(): void;
  /** Called once, with nothing under way. */
  close(): Promise<void>;
}

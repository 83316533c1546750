import type { RangeOptions, RootDatabase } from "lmdb";
import { failedWith, KeysagaError, meaningOf, printable } from "../base/index.js";
import { checkLmdbFile, checkRoom, checkRoomForLocks, flushNames, systemNameOf } from "./lmdb-file-node.js";
import { keyEncoder, lmdbKey, rangeOf, tableKey } from "./lmdb-keys.js";
import type { Reader, Store, Table, Writer } from "./store.js";

type Lmdb = typeof import("lmdb");
type Database = RootDatabase<Uint8Array, string>;
const pageRows = 256;
type Row = readonly [key: string, value: Uint8Array];

/**
 * The tables of the space in a directory, which is made where it is not there.
 *
 * @throws KeysagaError `lmdb_missing`, `store_failed`, `store_damaged`, `disk_full` or `file_refused`, with the fact
 *   `reason`.
 */
export async function openLmdbStore(path: string): Promise<Store> {
  const lmdb = await loadLmdb();
  return new LmdbStore(openDatabase(lmdb, path), path);
}

/** lmdb is an optional dependency: it is loaded with the first store. */
async function loadLmdb(): Promise<Lmdb> {
  try {
    return await import("lmdb");
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    const [firstLine = ""] = String(cause instanceof Error ? cause.message : cause).split("\n");
    throw new KeysagaError(
      "lmdb_missing",
      { reason: isAbsent ? "not installed" : printable(firstLine) },
      { cause },
    );
  }
}

/**
 * The one place that opens lmdb. Every opener has to use the same options: with overlapping syncs two processes can
 * both win one compare-and-set, so that is off, and a write resolves when it has been flushed.
 */
function openDatabase({ open }: Lmdb, path: string): Database {
  return orFail(path, () => {
    checkRoomForLocks(path);
    const isNew = !checkLmdbFile(`${path}/data.mdb`);
    const database = open<Uint8Array, string>({
      path,
      noSubdir: false,
      overlappingSync: false,
      encoding: "binary",
      keyEncoder,
      eventTurnBatching: false,
    });
    if (isNew) flushNames(path);
    return database;
  });
}

class LmdbStore implements Store {
  readonly #database: Database;
  readonly #tables: LmdbTables;

  constructor(
    database: Database,
    private readonly path: string,
  ) {
    this.#database = database;
    this.#tables = new LmdbTables(database, path);
  }

  read<Result>(work: (reader: Reader) => Result): Result {
    // lmdb keeps a snapshot for a whole turn of the event loop: too long where another process has just written.
    orFail(this.path, () => this.#database.resetReadTxn());
    return work(this.#tables);
  }

  async write<Result>(work: (writer: Writer) => Result): Promise<Result> {
    let thrown: { error: unknown } | undefined;
    try {
      // A child transaction, because a plain one keeps what was written before a throw.
      return await this.#database.childTransaction(() => {
        try {
          return work(this.#tables);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
    } catch (error) {
      throw thrown === undefined ? failureOf(await causeOf(error), this.path) : thrown.error;
    }
  }

  *scan(table: Table): Generator<readonly Row[]> {
    let after: string | undefined;
    do {
      orFail(this.path, () => this.#database.resetReadTxn());
      const page = [...this.#tables.rows({ ...rangeOf(table, { after }), limit: pageRows })];
      yield page;
      after = page.length < pageRows ? undefined : page.at(-1)?.[0];
    } while (after !== undefined);
  }

  checkRoom(): void {
    checkRoom(this.path);
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** Reads from the snapshot or, inside a write, what has been written. */
class LmdbTables implements Writer {
  readonly #database: Database;

  constructor(
    database: Database,
    private readonly path: string,
  ) {
    this.#database = database;
  }

  get(table: Table, key: string): Uint8Array | undefined {
    const value = orFail(this.path, () => this.#database.getBinary(lmdbKey(table, key)));
    return value && plain(value);
  }

  *entries(table: Table, prefix = ""): Generator<Row> {
    // In UTF-8 order all that start alike stand together.
    for (const row of this.rows(rangeOf(table, { first: prefix }))) {
      if (!row[0].startsWith(prefix)) return;
      yield row;
    }
  }

  *rows(range: RangeOptions): Generator<Row> {
    try {
      for (const { key, value } of this.#database.getRange(range)) yield [tableKey(key), plain(value)];
    } catch (thrown) {
      throw failureOf(thrown, this.path);
    }
  }

  put(table: Table, key: string, value: Uint8Array): void {
    orFail(this.path, () => this.#database.putSync(lmdbKey(table, key), value));
  }

  putNew(table: Table, key: string, value: Uint8Array): boolean {
    // Its types say `void`, its documentation and its code a boolean.
    const isPut: unknown = orFail(this.path, () =>
      this.#database.putSync(lmdbKey(table, key), value, { noOverwrite: true }),
    );
    return isPut === true;
  }

  remove(table: Table, key: string): void {
    orFail(this.path, () => this.#database.removeSync(lmdbKey(table, key)));
  }
}

/** The same bytes as no Buffer, whose `slice` would be no copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function orFail<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    throw failureOf(thrown, path);
  }
}

/** Names of lmdb's errors that mean the file is not what lmdb left there. */
const damage = /MDB_(?:CORRUPTED|PAGE_NOTFOUND|INVALID|VERSION_MISMATCH|PANIC)/;

function failureOf(thrown: unknown, path: string): KeysagaError {
  if (thrown instanceof KeysagaError) return thrown;
  const name = systemNameOf(thrown, path);
  const cause = { cause: thrown };
  if (name !== undefined) {
    const failed = failedWith(name, path, thrown);
    if (failed.code !== "file_failed") return failed;
    return new KeysagaError("store_failed", { reason: meaningOf(name), path }, cause);
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new KeysagaError(damage.test(reason) ? "store_damaged" : "store_failed", { reason, path }, cause);
}

/** A failed commit says what failed in a promise beside it. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && "commitError" in error)) return error;
  try {
    return await error.commitError;
  } catch (cause) {
    return cause;
  }
}

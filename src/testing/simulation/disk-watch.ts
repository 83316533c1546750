import { fromUtf8 } from "../../base/index.js";
import {
  type Address,
  decodeRecord,
  gibOf,
  holderOf,
  type IbGib,
  isPrimitive,
  isTjp,
  linksOf,
  ownerOf,
  readRecord,
  tjpOf,
} from "../../ibgib/index.js";
import { isListIb, readListFirst } from "../../lists/index.js";
import { referenceKey } from "../../space/references.js";
import { decodeBatchRow, decodeProofRow, decodeRecordRow, decodeTipRow } from "../../space/rows.js";
import type { Disk } from "./disk.js";
import type { RowChange } from "./draft.js";
import type { KeyWatch } from "./key-watch.js";
import { type Ledger, parentsOf } from "./ledger.js";
import { keystoneIbs } from "./spoken.js";
import type { Trace } from "./trace.js";

/** The home whose disk has changed. */
export interface Watched {
  readonly name: string;
  /** Whose copy it is: its own name, unless it was cloned. */
  readonly lineage: string;
  readonly kind: "sender" | "receiver";
  readonly disk: Disk;
  /** Was it put back to an older state, or copied? Then it may not know what it has signed. */
  readonly isDoubtful: boolean;
}

/** What a world holds about who has said what to whom. */
export interface Standings {
  /** Did the owner of this session say `connect` to this very receiver? */
  wasOpened(session: Address, receiver: string): boolean;
}

const sessionPrefix = "session/";

/** Looks at everything that becomes durable, when it does. */
export class DiskWatch {
  constructor(
    private readonly trace: Trace,
    private readonly ledger: Ledger,
    private readonly keys: KeyWatch,
    private readonly standings: Standings,
  ) {}

  flushed(home: Watched, changes: readonly RowChange[]): void {
    for (const change of changes) if (change.table === "records") this.#record(home, change);
    for (const change of changes) {
      if (change.table === "tips") this.#tip(home, change);
      if (change.table === "proofs") this.#proof(home, change);
      if (change.table === "cells") this.#cell(home, change);
    }
  }

  /** What is kept was made by somebody of this world, and is what its address says. */
  #record({ name, disk, lineage }: Watched, { from, to }: RowChange): void {
    if (to === undefined || from !== undefined) return;
    const { bytes, batches } = decodeRecordRow(to);
    if (!batches.some((batch) => isCommitted(disk, batch))) return;
    this.#account({ name, disk, lineage }, decodeRecord(bytes)); // which hashes it
  }

  /** Made by somebody, and all that it links to is there, or declared to stay away from what links it. */
  #account({ name, disk, lineage }: Pick<Watched, "name" | "disk" | "lineage">, record: IbGib): void {
    const isGenuine = this.#isListOf(lineage, record) || this.ledger.accounts(record);
    this.trace.check("made by somebody", isGenuine, () => `${name} keeps ${record.address}`);
    for (const { target } of linksOf(record)) {
      const isThere =
        isPrimitive(target) ||
        disk.table("records").has(gibOf(target)) ||
        disk.table("references").has(referenceKey({ holder: holderOf(record), target }));
      this.trace.check("all links lead somewhere", isThere, () => `${name}: ${record.address} to ${target}`);
    }
  }

  /** A frame of a list is its owner's, whose homes have it first. The first frame everybody can compute. */
  #isListOf(lineage: string, record: IbGib): boolean {
    const owner = isListIb(record.ib) ? ownerOf(record) : undefined;
    const isOwn = owner !== undefined && (isTjp(record) || this.keys.ownerOf(owner) === lineage);
    if (isOwn) this.ledger.listed(record, lineage);
    return isOwn;
  }

  /** Merges that were staged on the disk become visible with their tip: nothing is written of them then. */
  #accountUpTo(home: Pick<Watched, "name" | "disk" | "lineage">, tip: Address): void {
    const { disk } = home;
    const record = this.ledger.frame(tip) ? undefined : recordOn(disk, tip);
    if (record === undefined) return;
    for (const parent of parentsOf(record)) this.#accountUpTo(home, parent);
    this.#account(home, record);
  }

  /** A tip moves on to what has all of its heads; who added to it had been let in; and who shows it may read it. */
  #tip(home: Watched, { from, to, key }: RowChange): void {
    const { name, lineage, kind } = home;
    const before = from && decodeTipRow(from).tip.address;
    if (to === undefined) return this.trace.violate("tips move on", `${name} forgets ${key}`);
    const { tip } = decodeTipRow(to);
    if (tip.address === before) return;
    this.#accountUpTo(home, tip.address);
    const history = this.ledger.historyOf(tip.address);
    const heads = before === undefined ? [] : this.ledger.headsOf(before);
    const lost = heads.filter((head) => !history.has(head) && !this.ledger.mayBeLeft(tip.tjp, head));
    this.trace.check("tips move on", lost.length === 0, () => `${name} loses ${lost[0]} from ${tip.address}`);
    this.#list(home, tip.tjp);
    const timeline = this.ledger.timeline(tip.tjp);
    if (!timeline) return;
    for (const frame of this.ledger.beyond(tip.address, before)) {
      const makers = this.ledger.makersOf(frame.address);
      // One's own edits may wait for a right to come.
      const mayWrite = makers.some((maker) => maker === lineage || timeline.writers.has(maker));
      this.trace.check("writers were let in", mayWrite, () => `${name} shows ${frame.address} of ${makers}`);
      const named = this.ledger.makerNamedBy(frame.address);
      const owner = named && this.keys.ownerOf(named);
      const isTrue = makers.some((maker) => maker === owner || maker === lineage);
      this.trace.check(
        "makers are who frames say",
        isTrue,
        () => `${name} shows ${frame.address} of ${owner}`,
      );
    }
    if (kind === "sender" && tip.address !== tip.tjp)
      this.trace.check(
        "readers were let in",
        timeline.readers.has(lineage),
        () => `${name} shows ${tip.address}`,
      );
  }

  /** Who reads is between the owner and who answers for it; who writes, for those to know who read. */
  #list({ name, lineage, kind, disk }: Watched, list: Address): void {
    const first = recordOn(disk, list);
    const said = first && readListFirst(first);
    const timeline = said && this.ledger.timeline(said.of);
    if (!timeline || kind === "receiver") return;
    const may = timeline.owner === lineage || (said.kind === "writers" && timeline.readers.has(lineage));
    this.trace.check("lists are shown to whom they concern", may, () => `${name} shows ${list}`);
  }

  /** A frame is kept where its owner has said it, or by its owner itself. */
  #proof({ name, lineage, isDoubtful }: Watched, { from, to }: RowChange): void {
    if (to === undefined || from !== undefined) return;
    const record = readRecord(decodeProofRow(to).bytes);
    if (!keystoneIbs.has(record.ib)) return;
    const owner = this.keys.ownerOf(tjpOf(record) ?? record.address);
    const isGenuine = this.keys.hasSeen(record) || (owner ?? lineage) === lineage;
    this.trace.check("signed by its owner", isGenuine, () => `${name} keeps ${record.address}`);
    this.keys.seeRecord(record, { home: lineage, knows: () => !isDoubtful });
  }

  /** Nobody has a session here who has not asked for it. */
  #cell({ name, kind }: Watched, { from, to, key }: RowChange): void {
    if (kind !== "receiver" || from !== undefined || to === undefined || !key.startsWith(sessionPrefix))
      return;
    const { session } = JSON.parse(fromUtf8(to) ?? "{}");
    this.trace.check(
      "nothing before authentication",
      this.standings.wasOpened(session, name),
      () => `${name} keeps ${session}`,
    );
  }
}

function isCommitted(disk: Disk, batch: number): boolean {
  const row = disk.table("batches").get(String(batch));
  return row !== undefined && decodeBatchRow(row).isCommitted;
}

/** A committed record of a disk. */
export function recordOn(disk: Disk, address: Address): IbGib | undefined {
  const row = disk.table("records").get(gibOf(address));
  return row && readRecord(decodeRecordRow(row).bytes);
}

export function tipOn(disk: Disk, tjp: Address): Address | undefined {
  const row = disk.table("tips").get(gibOf(tjp));
  return row && decodeTipRow(row).tip.address;
}

/** How far an identity or a lane of somebody else is known, by the cells of a disk; -1 for not at all. */
export function knownIn(cells: ReadonlyMap<string, Uint8Array>, keystone: Address): number {
  const row = cells.get(`identity/${keystone}`);
  return row === undefined ? followedIn(cells, keystone) : JSON.parse(fromUtf8(row) ?? "{}").n;
}

/** The number of the newest frame of a lane that a receiver follows; -1 for none. */
export function followedIn(cells: ReadonlyMap<string, Uint8Array>, lane: Address): number {
  const row = cells.get(`lane/${lane}`);
  return row === undefined ? -1 : JSON.parse(JSON.parse(fromUtf8(row) ?? "").newest[3]).n;
}

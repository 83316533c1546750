/** Homes of several people that meet at one receiver, without a connection. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { FolderReport } from "../../src/cli/folder/bring-down.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { dependenciesFirst } from "../../src/ibgib/index.js";
import {
  type Address,
  createIdentity,
  decodeRecord,
  type IbGib,
  type Identity,
  InnerSpace,
  mergeFunctions,
  mergeTips,
  type Space,
} from "../../src/index.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { agree, inStep, letWrite } from "./folders.js";

/** What a saga comes to, without one: both spaces hold all records of both, and the merge of their tips. */
async function meet(one: Space, other: Space, holder: Address): Promise<void> {
  const spaces = [one, other];
  const all = new Map<Address, IbGib>();
  const tips = new Map<Address, (Address | undefined)[]>();
  for (const [at, space] of spaces.entries()) {
    for await (const found of space.scan()) {
      if (found.kind === "record") {
        const record = decodeRecord(found.bytes);
        all.set(record.address, record);
      } else if (found.kind === "tip") {
        const known = tips.get(found.tip.tjp) ?? [undefined, undefined];
        tips.set(found.tip.tjp, known.with(at, found.tip.address));
      }
    }
  }
  const reader = { getMany: async (addresses: readonly Address[]) => addresses.map((at) => all.get(at)) };
  const merged = new Map<Address, Address>();
  for (const [tjp, known] of tips) {
    const result = await mergeTips(
      known.filter((tip) => tip !== undefined),
      reader,
      mergeFunctions(),
    );
    if ("frame" in result) all.set(result.frame.address, result.frame);
    merged.set(tjp, "frame" in result ? result.frame.address : result.same);
  }
  const puts = dependenciesFirst(all.values());
  for (const [at, space] of spaces.entries()) {
    const moves = [...merged].map(([tjp, to]) => ({ tjp, from: tips.get(tjp)?.[at], to }));
    expect(await space.commit({ holder, sight: "anyone", puts, tips: moves })).toEqual({
      kind: "committed",
    });
  }
}

export interface Home {
  readonly dir: string;
  readonly identity: Identity;
  readonly folder: Address;
  /** The saga that `sync` has if nothing else is given. */
  readonly meet: Exchange;
  readonly sync: (exchange?: Exchange) => Promise<FolderReport>;
}

/** The first one's directory has `files`; each other one has a clone of it. */
export async function homes(
  count: number,
  files: Readonly<Record<string, string>>,
): Promise<readonly Home[]> {
  const dir = await temporaryDirectory();
  const receiver = new InnerSpace();
  const made: Home[] = [];
  let folder: Address | undefined;
  for (let at = 0; at < count; at++) {
    const secret = new Uint8Array(32).fill(at + 1);
    const identity = await createIdentity({ space: new InnerSpace(), secret, recoverySecret: secret });
    const place = join(dir, String(at));
    const saga: Exchange = async (...given) => {
      await meet(identity.space, receiver, identity.address);
      return inStep(...given);
    };
    const sync = (exchange = saga) => syncFolder(identity, place, exchange, agree);
    if (folder === undefined) {
      await mkdir(place);
      await writeTree(place, files);
      folder = (await sync()).folder;
    } else {
      await cloneFolder(identity, folder, place, saga);
      await letWrite(identity, folder, made[0]!.identity.address);
    }
    made.push({ dir: place, identity, folder, meet: saga, sync });
  }
  return made;
}

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { textOf } from "../../src/cli/folder/content.js";
import type { Exchange } from "../../src/cli/folder/exchange.js";
import { cloneFolder } from "../../src/cli/folder/clone.js";
import { type FileState, readFolder } from "../../src/cli/folder/model.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import type { AskRemoval } from "../../src/cli/folder/removal.js";
import {
  type Address,
  createIdentity,
  createTimeline,
  type IbGib,
  type Identity,
  InnerSpace,
  mergeFunctions,
  parseAddress,
  type Space,
} from "../../src/index.js";
import { changeList, firstOfList } from "../../src/lists/index.js";
import { keepLists } from "../../src/peer/branches/keep-lists.js";
import { noEvidence } from "../../src/peer/rights/attestations.js";
import { temporaryDirectory, writeTree } from "./directories.js";

const nothing = { up: { records: 0, bytes: 0, contexts: 2 }, down: { records: 0, bytes: 0, contexts: 2 } };

/**
 * Two directories of one home share its space: what is recorded from one comes down to the other, as if through a
 * receiver that is always in step.
 */
export const inStep: Exchange = async () => ({
  saga: "saga",
  session: parseAddress("session^gib"),
  tips: [],
  found: [],
  left: [],
  references: [],
  stayed: [],
  totals: nothing,
  sessionTotals: nothing,
  elapsedMs: 1,
  receipt: {
    version: 1,
    saga: "saga",
    time: 1,
    totals: nothing,
    tips: [],
    signature: "",
    session: ["", "", "", ""],
    host: { key: "", certifiedBy: parseAddress("identity^gib"), signature: "" },
    receiver: [],
  },
});

/** Has a home believe that it may write a folder: the list of writers lies there, as if it had come with a saga. */
export async function letWrite({ space, address }: Identity, folder: Address, owner: Address): Promise<void> {
  const first = firstOfList("writers", folder, owner);
  const frames = [first, changeList(first, [{ do: "share", identity: address, no: 1 }])];
  const merging = { functions: mergeFunctions(), options: {} };
  const who = { self: address, from: address, holder: address, isOpen: true };
  expect(await keepLists({ space, merging, ...who }, { ...noEvidence, listFrames: frames })).toBe(true);
}

/** Says of every large removal that it is meant. */
export const agree: AskRemoval = async () => true;

export async function makeIdentity(space: Space = new InnerSpace()): Promise<Identity> {
  return createIdentity({
    space,
    secret: new Uint8Array(32).fill(1),
    recoverySecret: new Uint8Array(32).fill(2),
  });
}

/** A home with a synced folder of these files in `here`, and a clone of it in `there`. */
export async function twoDirectories(files: Readonly<Record<string, string>>, space?: Space) {
  const dir = await temporaryDirectory();
  const [here, there] = [join(dir, "here"), join(dir, "there")];
  await mkdir(here);
  await writeTree(here, files);
  const identity = await makeIdentity(space);
  const sync = (place: string, exchange = inStep, ask?: AskRemoval) =>
    syncFolder(identity, place, exchange, ask);
  const { folder } = await sync(here);
  await cloneFolder(identity, folder, there, inStep);
  return { dir, here, there, identity, folder, sync };
}

/** A file of a folder with its newest frame and its text. */
export interface FileIn extends Omit<FileState, "tip"> {
  readonly tip: IbGib;
  readonly text: string;
}

export async function filesIn(space: Space, folder: Address): Promise<FileIn[]> {
  const { files } = await readFolder(space, folder);
  return Promise.all(
    files.map(async (file) => ({
      ...file,
      tip: (await space.get(file.tip))!,
      text: (await textOf(file.content))!,
    })),
  );
}

export const changesOf = (changes: readonly { path: string; change: string }[]) =>
  changes.map(({ path, change }) => `${change} ${path}`);

/** A folder by `eve`, whose files have these data. */
export async function hostileFolder(
  identity: Identity,
  files: readonly Record<string, unknown>[],
): Promise<Address> {
  const owner = identity.address;
  const first = createTimeline({ ib: "folder", owner, uuid: "eve" });
  const made = files.map((data, at) =>
    createTimeline({
      ib: "file",
      data: JSON.parse(JSON.stringify(data)),
      owner,
      within: first.address,
      uuid: String(at),
    }),
  );
  const frames = [first, ...made];
  const result = await identity.space.commit({
    holder: owner,
    sight: { holders: [owner] },
    puts: frames,
    tips: frames.map(({ address }) => ({ tjp: address, from: undefined, to: address })),
  });
  expect(result.kind).toBe("committed");
  return first.address;
}

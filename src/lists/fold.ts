import { limitExceeded } from "../base/index.js";
import { type Address, type IbGib, isMerge, isTjp, makerOf } from "../ibgib/index.js";
import { type Change, readChanges, subjectOf } from "./changes.js";
import { listLimits } from "./limits.js";
import {
  entryKey,
  type FrameRow,
  type IdentityRow,
  noFrameRow,
  noIdentityRow,
  withAdoption,
  withEntry,
  withName,
  withSetAside,
  withWithdrawal,
} from "./rows.js";

/**
 * What a list has come to, or the part of it that is asked for: a row for each identity and for each frame. It is the
 * fold of the changes of all frames that the owner made, in any order, each once or more often.
 */
export interface ListState {
  readonly identities: ReadonlyMap<Address, IdentityRow>;
  readonly frames: ReadonlyMap<Address, FrameRow>;
}

export const emptyList: ListState = { identities: new Map(), frames: new Map() };

/**
 * The changes of a list's frames, each with the key of the share that it would be. Merges hold none, and neither does
 * what somebody else has made: only the owner writes a list.
 *
 * @param first The first frame of the list.
 * @throws KeysagaError `list_refused`, rule `shape` or `repeats`, for a frame of the owner's.
 */
export function changesOf(
  first: IbGib,
  frames: Iterable<IbGib>,
): readonly { readonly change: Change; readonly key: string }[] {
  const [owner] = [makerOf(first, first)];
  return [...frames].flatMap((frame) => {
    if (isTjp(frame) || isMerge(frame) || makerOf(frame, first) !== owner) return [];
    return readChanges(frame).map((change, at) => ({ change, key: entryKey(frame.address, at) }));
  });
}

/** The rows that changes read and write: those of these identities and frames. */
export function rowsOf(changes: readonly { readonly change: Change }[]): {
  readonly identities: ReadonlySet<Address>;
  readonly frames: ReadonlySet<Address>;
} {
  const identities = new Set<Address>();
  const frames = new Set<Address>();
  for (const { change } of changes) {
    ("identity" in change ? identities : frames).add(subjectOf(change));
    if (change.do === "withdraw") for (const name of change.names) frames.add(name);
  }
  return { identities, frames };
}

/** Folds changes into a state that has the rows of all they are about; a row that is not there is empty. */
export function foldChanges(
  state: ListState,
  changes: readonly { readonly change: Change; readonly key: string }[],
): ListState {
  const identities = new Map(state.identities);
  const frames = new Map(state.frames);
  const setIdentity = (address: Address, next: (row: IdentityRow) => IdentityRow) =>
    identities.set(address, next(identities.get(address) ?? noIdentityRow));
  const setFrame = (address: Address, next: (row: FrameRow) => FrameRow) =>
    frames.set(address, next(frames.get(address) ?? noFrameRow));
  for (const { change, key } of changes) {
    switch (change.do) {
      case "share": {
        const { do: _do, identity, ...terms } = change;
        setIdentity(identity, (row) => withEntry(row, { key, ...terms }));
        break;
      }
      case "withdraw":
        setIdentity(change.identity, (row) => withWithdrawal(row, change.no));
        for (const name of change.names) setFrame(name, withName);
        break;
      case "adopt":
        setFrame(change.frame, (row) => withAdoption(row, change.no));
        break;
      case "setAside":
        setFrame(change.frame, (row) => withSetAside(row, change.no, change.why));
        break;
    }
  }
  return { identities, frames };
}

/** The whole state of a list, from all its frames. */
export function foldList(first: IbGib, frames: Iterable<IbGib>): ListState {
  return foldChanges(emptyList, changesOf(first, frames));
}

/** How many entries are in force among these rows. */
export function entriesIn({ identities }: Pick<ListState, "identities">): number {
  return [...identities.values()].reduce((sum, { entries }) => sum + entries.length, 0);
}

/**
 * A limit holds where something is added, and never bars the way to less.
 *
 * @param before The rows that change, as they were, and `after` as they are then.
 * @param inForce Entries in force of the whole list, before.
 * @returns Entries in force afterwards.
 * @throws KeysagaError `limit_exceeded` (`entriesInForceMax`, `entriesOfOneMax`).
 */
export function checkEntries(before: ListState, after: ListState, inForce: number): number {
  for (const [identity, { entries }] of after.identities) {
    const had = before.identities.get(identity)?.entries.length ?? 0;
    const max = listLimits.entriesOfOneMax;
    if (entries.length > max && entries.length > had) throw limitExceeded("entriesOfOneMax", max);
  }
  const now = inForce + entriesIn(after) - entriesIn(before);
  const max = listLimits.entriesInForceMax;
  if (now > max && now > inForce) throw limitExceeded("entriesInForceMax", max);
  return now;
}

import { KeysagaError } from "../../base/index.js";

/** What can be wrong with a store. */
export type ProblemRule =
  /** A row of the store cannot be read at all. */
  | "unreadable"
  /** The bytes are not the record that their address names, or no admissible record. */
  | "hash"
  /** It lies where another record should. */
  | "place"
  | "link_missing"
  /** A frame does not continue its timeline. */
  | "chain"
  /** A tip is not the newest frame of its timeline, or not there. */
  | "tip"
  /** The index of a timeline's frames names another one. */
  | "index"
  /** A record that links lead to is not among all that the store lists. */
  | "not_listed"
  /** A keystone's frames do not replay from its genesis. */
  | "keystone"
  /** The frame that a signer has reserved does not follow the keystone's newest one. */
  | "journal"
  /** A cell cannot be read, or says what the keystones do not. */
  | "cell"
  /** A turn's context is gone, or belongs elsewhere. */
  | "context"
  /** Nothing of the identity delegates this lane. */
  | "not_delegated"
  /** Nothing of the lane vouches for this session. */
  | "not_vouched"
  /** What is kept of a frame does not prove that its maker made it. */
  | "not_attested"
  /** A receipt does not prove what it says. */
  | "receipt";

export interface Problem {
  /** The address of what is wrong; where that cannot be read either, what is known of its place. */
  readonly at: string;
  readonly rule: ProblemRule;
  /** More words: the code of an error with its rule, or another address. */
  readonly detail?: string;
}

export function problem(at: string, rule: ProblemRule, detail?: string): Problem {
  return { at, rule, ...(detail !== undefined && { detail }) };
}

/** An error as the detail of a problem. What is no KeysagaError is a bug, or the store's own failure: passed on. */
export function detailOf(thrown: unknown): string {
  if (!(thrown instanceof KeysagaError)) throw thrown;
  const { rule } = thrown.facts;
  return rule === undefined ? thrown.code : `${thrown.code}: ${rule}`;
}

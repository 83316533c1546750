import type { Moment } from "../../base/index.js";
import type { Address } from "../../ibgib/index.js";
import type { Direction, FinalTip, SessionLimits } from "../../saga/index.js";
import type { Merging } from "../branches/merging.js";
import type { Deferred } from "../home/deferred.js";
import type { Identity } from "../home/identity.js";
import type { Platform } from "../home/platform.js";
import type { AccessPolicy } from "../rights/standing.js";
import type { OnEvent } from "../session/events.js";
import type { SyncReport } from "./sender-commit.js";

/** What to bring in step, and which way records may go. */
export interface SyncRequest {
  readonly roots: readonly Address[];
  readonly direction: Direction;
  /** How many timelines may come, or are here already, that links alone lead to; undefined: any number. */
  readonly linkedMax: number | undefined;
  /** Roots that went up in parts before, as far as they do. */
  readonly gone: ReadonlySet<Address>;
}

/** What a saga has done, and whether another one has more to do. */
export interface SagaDone {
  readonly report: SyncReport;
  /** Lists that came let in what had not counted, or heads came that waited for this side to merge them. */
  readonly isMore: boolean;
  /** It was a part of what the caller has asked for. */
  readonly isPart: boolean;
  /** Lists were changed here meanwhile: roots that they rule were left as they were, for another saga. */
  readonly isStale: boolean;
  /** Where it has come to: the tips that the receiver has, lists among them, and what came along. */
  readonly ends: readonly FinalTip[];
  /** Roots that went as far as they do, whether the receiver has taken them or not. */
  readonly gone: readonly Address[];
}

/** A saga that is asked for or under way, and its caller. */
export interface Asked extends SyncRequest {
  readonly outcome: Deferred<SagaDone>;
  readonly started: Moment;
}

/** What a saga of a sender runs with. */
export interface SagaRunOptions {
  readonly identity: Identity;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  readonly limits: SessionLimits;
  readonly platform: Platform;
  readonly onEvent: OnEvent;
}

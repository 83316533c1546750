import { KeysagaError, type Moment } from "../../base/index.js";
import { type Address, holderOf, type IbGib, toText, isMerge } from "../../ibgib/index.js";
import {
  type Direction,
  type Evidence,
  type FinalTip,
  type HeadEntry,
  type OpenReference,
  readEvidence,
  type SenderSagaEffect,
  type SenderSagaEvent,
  type SessionLimits,
} from "../../saga/index.js";
import type { ReferenceTo, Sight } from "../../space/index.js";
import type { Merging } from "../branches/merging.js";
import { resolveRoots, tipsToAsk } from "../branches/resolution.js";
import type { Deferred } from "../home/deferred.js";
import type { Identity } from "../home/identity.js";
import type { Platform } from "../home/platform.js";
import { attestationOf, type CheckedHeads, checkHeads, onlyOf } from "../rights/attestations.js";
import { keepToldStatements } from "../rights/keep-statements.js";
import type { AccessPolicy } from "../rights/standing.js";
import { nothingToTell, statementsFor, type Telling } from "../rights/statements.js";
import type { Conversation } from "../session/conversation.js";
import { type OnEvent, tellMerged, tellRefused } from "../session/events.js";
import type { Departure, Outflow } from "../session/outflow.js";
import { outgoing } from "../session/outgoing.js";
import { Progress } from "../session/progress.js";
import { Along, stonesInPlace } from "./along.js";
import { Arriving } from "./arriving.js";
import { openLinks } from "./open-links.js";
import { keepSent } from "./keep-sent.js";
import { type PlannedRoots, planRoots } from "./plan-roots.js";
import { commitSender, type SyncReport, type TotalsOfBoth, totalsOf } from "./sender-commit.js";

/** What to bring in step, and which way records may go. */
export interface SyncRequest {
  readonly roots: readonly Address[];
  readonly direction: Direction;
  /** See `SyncOptions`. */
  readonly adopt: boolean;
}

/** A saga that is asked for or under way, and its caller. */
export interface Asked extends SyncRequest {
  readonly outcome: Deferred<SyncReport>;
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

type On<Kind> = Extract<SenderSagaEffect, { kind: Kind }>;
/** What an effect comes to. */
type End<Kind> = Omit<Extract<SenderSagaEvent, { kind: Kind }>, "now">;

/**
 * One saga of a sender under way: what its machine asks to have done, on the space of this side. Each method is one
 * effect, and gives the event that it ends in.
 */
export class SenderSagaRun {
  /** Timelines that are in scope or were exchanged with the receiver. */
  readonly #known = new Set<Address>();
  /**
   * What counts as present towards the receiver: these, and what it has sent itself. The rest of this space does not, so
   * that no answer tells the receiver of it.
   */
  readonly #sight: Sight;
  readonly #arriving = new Arriving();
  #planned: PlannedRoots | undefined;
  #goesAlong: Along | undefined;
  readonly #stayed = new Set<Address>();
  /** Timelines that came along and stay here as they were. */
  #left: ReadonlySet<Address> = new Set();
  /** What came to prove who has made which frames, and who granted what. */
  readonly #evidence: Evidence[] = [];
  #checked: Pick<CheckedHeads, "attestations" | "records"> = { attestations: [], records: [] };
  /** What the receiver is told of grants. */
  #telling: Telling = nothingToTell;
  /** Frames that were made to bring branches together. */
  #merges: IbGib[] = [];
  /** Frames that were made here meanwhile, and are signed. */
  #made: readonly IbGib[] = [];
  readonly #progress: Progress;
  /** The records that are on their way. */
  #outflow: Outflow | undefined;
  /** Keeps what has gone out. */
  #keeping: Promise<void> = Promise.resolve();
  #isOver = false;
  #isDurable = false;
  readonly #before: TotalsOfBoth;

  constructor(
    readonly saga: string,
    readonly asked: Asked,
    private readonly conversation: Conversation,
    private readonly options: SagaRunOptions,
  ) {
    const { onEvent } = options;
    this.#before = totalsOf(conversation);
    this.#progress = new Progress(saga, "up", onEvent);
    const reads = ({ address }: IbGib) => this.#known.has(address);
    this.#sight = { holders: [conversation.established.receiver], reads };
  }

  /** Has its receipt come, and is everything kept? */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  hear(evidence: readonly Evidence[]): void {
    this.#evidence.push(...evidence);
  }

  async planRoots({ wanted }: On<"planRoots">): Promise<End<"planned">> {
    const { identity, onEvent } = this.options;
    const { direction } = this.asked;
    const request = { wanted, direction, receiver: this.#receiver };
    this.#planned = await planRoots(identity, request, this.options.merging.options);
    const { roots } = this.#planned;
    for (const { address, tip } of roots) if (tip !== undefined) this.#known.add(address);
    const timelines = roots.map(({ address }) => address);
    this.#telling = await statementsFor(identity, this.#receiver, timelines);
    onEvent({ kind: "started", saga: this.saga, direction: this.asked.direction, roots: roots.length });
    return { kind: "planned", roots, evidence: this.#telling.records.map(toText) };
  }

  /** What would be staged once the session has ended would outlive it. */
  stage(records: readonly IbGib[]): Promise<void> {
    this.#arriving.add(records);
    return this.#stage(records);
  }

  async #stage(records: readonly IbGib[]): Promise<void> {
    const { space } = this.options.identity;
    if (this.#isOver) throw new KeysagaError("connection_closed");
    await space.stage(this.saga, this.#receiver, this.#sight, records, this.conversation.declared);
  }

  async compare({ roots, statuses }: On<"compare">): Promise<End<"compared">> {
    const { identity, merging } = this.options;
    return { kind: "compared", asks: await tipsToAsk(identity.space, roots, statuses, merging) };
  }

  /** What came is checked, and kept as far as it counts whatever becomes of the saga; then branches become one. */
  async resolve(effect: On<"resolve">): Promise<End<"resolved">> {
    const { identity, merging, access, onEvent } = this.options;
    const receiver = this.#receiver;
    if (effect.kept > 0 && effect.overtaken.length === 0)
      onEvent({ kind: "resumed", saga: this.saga, records: effect.kept });
    const asked = effect.roots.map((root) => root.address);
    const told = effect.found.map((tip) => tip.address);
    await this.#arriving.check(asked, told, identity.space.view(this.saga));
    const { heads, records } = readEvidence(this.#evidence);
    await keepToldStatements(identity.space, receiver, records);
    const checked = await checkHeads(identity.space, access === "open" ? [] : heads, records);
    const { attesters } = checked;
    this.#merges = [];
    const stage = (frame: IbGib) => {
      if (isMerge(frame)) this.#merges.push(frame);
      return this.#stage([frame]);
    };
    const { adopt } = this.asked;
    const { named } = this.#plan;
    const stonesFor = (open: readonly OpenReference[]) => stonesInPlace(this.#along, open);
    const resolving = { identity, receiver, merging, access, named, stonesFor, adopt, attesters, stage };
    const { resolved, proved, made, left } = await resolveRoots(resolving, effect);
    this.#checked = onlyOf(checked, proved);
    this.#made = made;
    this.#left = left;
    return { kind: "resolved", ...resolved };
  }

  /** Sends on, up to the next turn that covers what has gone. */
  async sendMore(): Promise<End<"portionSent"> | End<"recordsSent">> {
    if (!this.#outflow) throw new KeysagaError("internal", { what: "records that were not begun" });
    const isMore = await this.#outflow.send(this.options.limits.deltaBytes);
    return { kind: isMore ? "portionSent" : "recordsSent" };
  }

  /** What goes out is kept as gone out meanwhile: whatever becomes of the saga, a later process knows of it. */
  sendRecords({ plan, known, unsure, roots }: On<"sendRecords">): ReturnType<SenderSagaRun["sendMore"]> {
    const { identity } = this.options;
    const { space } = identity;
    this.#keeping = keepSent(identity, this.#receiver, plan, roots);
    this.#keeping.catch(() => undefined); // told where the commit waits for it
    const notThere = new Set([...plan.stones, ...unsure]);
    for (const address of known) notThere.delete(address);
    this.#progress.expect(plan, notThere);
    const source = { space, reader: space.view(this.saga) };
    const records = this.#named(outgoing(source, plan, known, this.#along, this.#progress));
    this.#outflow = this.conversation.outflow(records, this.#progress);
    return this.sendMore();
  }

  /** Tells of what stays here. */
  async *#named(departures: AsyncIterable<Departure>): AsyncGenerator<Departure> {
    for await (const departure of departures) {
      const holder = holderOf(departure.record);
      for (const target of departure.references) this.#tellAway("up", { holder, target });
      yield departure;
    }
  }

  #tellAway(direction: "up" | "down", { holder, target }: ReferenceTo): void {
    if (direction === "up") this.#stayed.add(target);
    this.options.onEvent({ kind: "staysAway", saga: this.saga, direction, holder, target });
  }

  /** Makes what came visible, and tells the caller: `not_permitted` where not all was taken that this side wrote. */
  async commit(effect: On<"commitSpace">): Promise<void> {
    const { identity, merging, platform, onEvent } = this.options;
    const { saga, asked, conversation } = this;
    await this.#keeping;
    const landing = {
      identity,
      platform,
      conversation,
      merging,
      sight: this.#sight,
      telling: this.#telling,
      evidence: this.#checked,
      merges: this.#merges,
      before: this.#before,
      made: this.#made,
      settled: this.#settledBy(effect),
    };
    const found = effect.found.filter((tip) => !this.#left.has(tip.address));
    const { report, merged } = await commitSender(landing, { ...effect, found });
    this.#isDurable = true;
    tellRefused(onEvent, saga, report.refused);
    tellMerged(onEvent, saga, merged);
    onEvent({ kind: "durable", saga, tips: report.tips.length });
    const references = await openLinks(identity.space, [...report.tips, ...report.found]);
    for (const reference of references) this.#tellAway("down", reference);
    const lost = await this.#lost(effect.heads, report.refused);
    const elapsedMs = Math.round(platform.clock.elapsed() - asked.started);
    const stayed = [...this.#stayed];
    if (lost === 0) asked.outcome.resolve({ ...report, references, stayed, elapsedMs });
    else asked.outcome.reject(new KeysagaError("not_permitted", { timelines: lost }));
  }

  /** The references whose targets have come. */
  #settledBy({ moves }: On<"commitSpace">): readonly ReferenceTo[] {
    const come = new Set(moves.map(({ address }) => address));
    return this.#plan.asks.filter(({ target }) => come.has(target));
  }

  /** How many timelines were not taken that have frames of this side's which no receiver has taken yet. */
  async #lost(heads: readonly HeadEntry[], refused: readonly FinalTip[]): Promise<number> {
    const left = new Set(refused.map(({ address }) => address));
    const own = heads.filter(({ tjp }) => left.has(tjp));
    const kept = await Promise.all(own.map(({ head }) => attestationOf(this.options.identity.space, head)));
    return new Set(own.filter((_, at) => kept[at] === undefined).map(({ tjp }) => tjp)).size;
  }

  /** Resolves when nothing of it is staged, or being kept, any more; never rejects. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([this.#keeping, this.options.identity.space.drop(this.saga)]);
  }

  get #along(): Along {
    this.#goesAlong ??= new Along(this.options.identity, this.#plan.scope, this.options.merging.options);
    return this.#goesAlong;
  }

  get #plan(): PlannedRoots {
    if (!this.#planned) throw new KeysagaError("internal", { what: "roots that were not planned" });
    return this.#planned;
  }

  get #receiver(): Address {
    return this.conversation.established.receiver;
  }
}

import { isLimit, KeysagaError, toKeysagaError } from "../../base/index.js";
import { gibOf } from "../../ibgib/index.js";
import { isListAddress, isListIb } from "../../lists/index.js";
import {
  type Evidence,
  type FinalTip,
  RangeSet,
  type ReceiverSagaEffect,
  type ReceiverSagaEvent,
  type SessionLimits,
} from "../../saga/index.js";
import {
  type ReferenceTo,
  type SagaId,
  type Space,
  spaceLimits,
  type StageTotals,
  type TakenOver,
} from "../../space/index.js";
import { keepLists } from "../branches/keep-lists.js";
import { type Merging, onAccount } from "../branches/merging.js";
import type { Identity } from "../home/identity.js";
import type { Platform } from "../home/platform.js";
import { checkEvidence } from "../rights/attestations.js";
import { type AccessPolicy, Standing } from "../rights/standing.js";
import type { Conversation } from "../session/conversation.js";
import { type OnEvent, tellRefused } from "../session/events.js";
import { outgoing } from "../session/outgoing.js";
import { partLimit } from "../session/part.js";
import { Progress } from "../session/progress.js";
import { stonesBehind } from "../session/stones.js";
import type { Waits } from "../session/waits.js";
import { stillLetIn } from "./admission.js";
import { Answers } from "./answer.js";
import { readableSet, setItemBytes } from "./readable-set.js";
import type { CommitQueue, CommitTurn } from "./commit-queue.js";
import type { Inflow } from "./inflow.js";
import { withKept } from "./kept-roots.js";
import type { KeptStages } from "./kept-stages.js";
import type { Quotas } from "./quotas.js";
import { type CommitOutcome, type Committed, commitReceiver, contested } from "./receiver-commit.js";

/** What a saga of a receiver runs with. */
export interface ReceiverRunOptions {
  /** Whose store it is, which has answers of its own to give. */
  readonly identity: Identity;
  readonly space: Space;
  readonly quotas: Quotas;
  readonly merging: Merging;
  readonly access: AccessPolicy;
  readonly commits: CommitQueue;
  readonly kept: KeptStages;
  readonly limits: SessionLimits;
  readonly platform: Platform;
  readonly onEvent: OnEvent;
}

const isOfList = (item: Evidence) => Array.isArray(item) && isListIb(item[0]);

const nothing: TakenOver = { records: 0, bytes: 0, tips: [] };

/** Frames of one offer that are looked behind. */
const vouchingMax = 1_024;

type On<Kind> = Extract<ReceiverSagaEffect, { kind: Kind }>;
/** What an effect comes to. */
type End<Kind> = Omit<Extract<ReceiverSagaEvent, { kind: Kind }>, "now">;

/**
 * One saga of a receiver under way: what its machine asks to have done, on the space of this side. Each method is one
 * effect, and gives the event that it ends in.
 */
export class ReceiverSagaRun {
  /** What it stages lies under a name of this side's: the saga's is the sender's choice, and may be another saga's. */
  readonly #stage: SagaId;
  readonly #standing: Standing;
  #answering: Answers | undefined;
  readonly #progress: Progress;
  /** On the sender's account. */
  readonly #merging: Merging;
  /** What it has staged: charged to the sender's identity when it is committed. */
  #staged: Promise<StageTotals> = Promise.resolve(nothing);
  /** References of its roots whose targets the sender was told to be lacking. */
  #open: readonly ReferenceTo[] = [];
  /** As much of it as a turn of the sender covers. */
  #covered = this.#staged;
  /** Its turn at the timelines it commits to, while it has one. */
  #turn: CommitTurn | undefined;
  readonly #over = new AbortController();

  /** @param inflow What has come for it so far; more may follow. */
  constructor(
    readonly saga: string,
    private readonly inflow: Inflow,
    private readonly conversation: Conversation,
    private readonly waits: Waits,
    private readonly options: ReceiverRunOptions,
  ) {
    const { identity: self, space, access, merging, quotas, platform, onEvent } = options;
    const now = () => platform.clock.now();
    const { identity, receiverSession } = conversation.established;
    this.#stage = `${gibOf(receiverSession)}/${saga}`;
    this.#standing = new Standing(identity, {
      space,
      self: self.address,
      access,
      now,
      letIn: () => stillLetIn(space, identity),
    });
    this.#merging = onAccount(merging, (steps) => quotas.spendSteps(identity, steps));
    this.#progress = new Progress(saga, "down", onEvent);
  }

  /** The sender has said a turn: what came before it is covered, and outlives the loss of the connection. */
  cover(): void {
    this.#covered = this.#staged;
  }

  /**
   * The lists that came ahead are kept, what the sender may do here is loaded, and what a lost connection of its has left
   * is taken over; then its roots are answered.
   */
  async compareRoots(effect: On<"compareRoots">): Promise<End<"compared">> {
    const { identity: self, space, quotas, limits, onEvent } = this.options;
    const { roots, direction } = effect;
    const named = roots.filter(({ address }) => !isListAddress(address));
    onEvent({ kind: "started", saga: this.saga, direction, roots: named.length });
    const { lane } = this.conversation.established;
    const limit = partLimit(this.conversation, "down", limits);
    this.#answering = new Answers(self, this.#standing, this.#merging, lane, effect, limit);
    await this.#keepLists();
    await this.#standing.load();
    const taken = direction === "pull" ? nothing : await this.#takeOver();
    const { statuses, ...answer } = await this.#answers.roots(effect);
    this.#open = answer.open;
    const view = space.view(this.#stage, this.#standing.sight);
    const full = direction !== "pull" && !(await quotas.hasRoom(this.#standing.identity));
    return { kind: "compared", ...answer, full, ...(await withKept(view, roots, statuses, taken)) };
  }

  /**
   * What there is of a set, as far as the sender may read it: of somebody else's, and of what it may not read, nothing. It is
   * held until the saga has ended; where there is no room for it, there is nothing to compare either. Others have their turn
   * meanwhile, however large it is.
   */
  async loadSet({ of }: On<"loadSet">): Promise<End<"setLoaded">> {
    await this.#standing.load();
    const { pause } = this.#merging.options;
    const hold = (timelines: number) => this.inflow.tryHold(timelines, setItemBytes);
    const tips = await readableSet(this.options.space, this.#standing, of, { hold, pause });
    return { kind: "setLoaded", set: await RangeSet.of(tips, pause) };
  }

  async #keepLists(): Promise<void> {
    const { space, identity: self, quotas: charging } = this.options;
    const merging = this.#merging;
    const { identity: from, isOpen } = this.#standing;
    const { items } = this.inflow.evidence;
    if (!items.some(isOfList)) return;
    const who = { self: self.address, from, holder: from, isOpen };
    const checked = await checkEvidence(self, items, merging.options);
    await keepLists({ space, charging, merging, ...who }, checked);
  }

  async readBranches(effect: On<"readBranches">): Promise<End<"branchesRead">> {
    await this.#standing.refresh();
    return { kind: "branchesRead", ...(await this.#answers.branches(effect, effect.asks)) };
  }

  async sendRecords({ plan, known }: On<"sendRecords">): Promise<End<"recordsSent">> {
    const { space } = this.options;
    this.#progress.expect(plan, new Set(plan.stones));
    const records = outgoing(
      { space, reader: space },
      plan,
      { known, lacks: this.#answers.lacks },
      this.#answers.along(plan),
      this.#progress,
    );
    await this.conversation.sendRecords(records, this.#progress);
    return { kind: "recordsSent" };
  }

  /**
   * Begun before anything else may happen to the saga, so that nothing is staged once it has ended. What there is no room
   * for is dropped, with all that comes behind it: the roots that lack it are left then.
   */
  async stage({ records }: On<"stage">): Promise<void> {
    const admitted = this.inflow.admit(records);
    if (admitted.length === 0) return;
    const { identity, sight } = this.#standing;
    const { declared } = this.conversation;
    const before = this.#staged;
    this.#staged = this.options.space
      .stage(this.#stage, identity, sight, admitted, declared)
      .catch((thrown: unknown) => {
        if (!isLimit(thrown, Object.keys(spaceLimits))) throw thrown;
        this.inflow.cut();
        return before;
      });
    await this.#staged;
  }

  /** Frames among what is offered vouch for the stones that they lead to: a sender that may read them may build on these. */
  async choose({ offered }: On<"choose">): Promise<End<"chosen">> {
    await this.#standing.refresh();
    const { space } = this.options;
    const view = space.view(this.#stage, this.#standing.sight);
    const held = await view.hasMany(offered);
    const vouching = offered.filter((_, at) => held[at]).slice(-vouchingMax); // frames come last
    const unheld = new Set(offered.filter((_, at) => !held[at]));
    const stones = await stonesBehind({ space, reader: space }, vouching, unheld);
    this.#standing.readsStones(stones);
    return { kind: "chosen", wanted: offered.map((address, at) => !held[at] && !stones.has(address)) };
  }

  /** In its turn among the commits of the same timelines; one that came second keeps its turn for the next try. */
  async commit(effect: On<"commitSpace">): Promise<End<"spaceCommitted"> | End<"spaceMoved">> {
    const outcome = await this.#inTurn(effect);
    if (outcome.kind === "moved") return { ...outcome, kind: "spaceMoved" };
    await outcome.receipt(); // nobody waits for a sender that does not take it
    this.#durable(effect, outcome);
    return { kind: "spaceCommitted" };
  }

  async #inTurn(effect: On<"commitSpace">): Promise<CommitOutcome> {
    if (this.#turn?.isOver() !== false) this.#turn = await this.#enterCommits(effect);
    const turn = this.#turn;
    let isHeld = false;
    try {
      this.#over.signal.throwIfAborted();
      const outcome = await this.#commit(effect);
      isHeld = outcome.kind === "moved";
      return outcome;
    } finally {
      if (isHeld) turn.hold();
      else turn.release();
    }
  }

  /**
   * Resolves when nothing of it is staged any more; never rejects. Where the connection was lost, what a turn covers is
   * kept for the next saga of the same identity.
   */
  async end(isLost: boolean): Promise<void> {
    this.#over.abort(new KeysagaError("connection_closed"));
    this.#turn?.release();
    if (isLost && (await this.#isKept())) return;
    await Promise.allSettled([this.options.space.drop(this.#stage)]);
  }

  async #isKept(): Promise<boolean> {
    const { saga } = this;
    const { kept, onEvent } = this.options;
    try {
      const { records, bytes } = await this.#covered;
      if (records === 0) return false;
      const isKept = await kept.keep(this.#standing.identity, this.#stage, { records, bytes });
      if (isKept) onEvent({ kind: "kept", saga, records, bytes });
      return isKept;
    } catch (thrown) {
      onEvent({ kind: "dropped", saga, code: toKeysagaError(thrown).code });
      return false;
    }
  }

  get #answers(): Answers {
    if (!this.#answering) throw new KeysagaError("internal", { what: "an answer before it was asked for" });
    return this.#answering;
  }

  /** Once: another session of the same identity does not find it any more. It is covered, as it was before. */
  async #takeOver(): Promise<TakenOver> {
    const { kept, space, onEvent } = this.options;
    const from = this.#over.signal.aborted ? undefined : kept.take(this.#standing.identity);
    if (from === undefined) return nothing;
    const taking = space.takeOver(this.#stage, from, this.#standing.sight);
    this.#staged = taking;
    this.#covered = taking;
    const taken = await taking;
    this.#over.signal.throwIfAborted(); // what has ended claims no room any more
    if (!this.inflow.takeOver(taken.bytes)) return this.#dropTaken();
    if (taken.records > 0) onEvent({ kind: "resumed", saga: this.saga, records: taken.records });
    return taken;
  }

  async #dropTaken(): Promise<TakenOver> {
    this.#staged = Promise.resolve(nothing);
    this.#covered = this.#staged;
    await this.options.space.drop(this.#stage);
    return nothing;
  }

  async #commit(effect: On<"commitSpace">) {
    const standing = this.#standing;
    const { identity } = this.options;
    return commitReceiver(
      {
        ...this.options,
        merging: this.#merging,
        standing,
        answers: this.#answers,
        conversation: this.conversation,
        isCut: this.inflow.isCut,
        settled: await this.#come(),
        evidence: await checkEvidence(identity, this.inflow.evidence.items, this.#merging.options),
      },
      { ...effect, stage: this.#stage },
    );
  }

  /** Those that have a target here by now, as far as the sender may know of that. */
  async #come(): Promise<readonly ReferenceTo[]> {
    const view = this.options.space.view(this.#stage, this.#standing.sight);
    const come = await view.hasMany(this.#open.map(({ target }) => target));
    return this.#open.filter((_, at) => come[at]);
  }

  async #enterCommits(effect: On<"commitSpace">): Promise<CommitTurn> {
    const { space, commits } = this.options;
    const { identity } = this.#standing;
    const timelines = await contested(space, { ...effect, stage: this.#stage }, this.#standing);
    return this.waits.during("others", commits.enter(identity, timelines, this.#over.signal));
  }

  #durable({ final }: On<"commitSpace">, { refused, left }: Pick<Committed, "refused" | "left">): void {
    const { onEvent } = this.options;
    const named = <Root extends Pick<FinalTip, "address">>(roots: readonly Root[]) =>
      roots.filter(({ address }) => !isListAddress(address));
    tellRefused(onEvent, this.saga, named(refused), "not_permitted");
    tellRefused(onEvent, this.saga, named(left), "limit_exceeded");
    onEvent({ kind: "durable", saga: this.saga, tips: named(final).length });
  }
}

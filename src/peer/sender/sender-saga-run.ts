import { KeysagaError } from "../../base/index.js";
import { type Address, holderOf, type IbGib, isMerge } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import type {
  Evidence,
  OpenReference,
  Root,
  SenderSagaEffect,
  SenderSagaEvent,
  TotalsOfBoth,
  TurnFromReceiver,
} from "../../saga/index.js";
import type { ReferenceTo, Sight } from "../../space/index.js";
import { keepLists } from "../branches/keep-lists.js";
import { type Resolution, resolveRoots } from "../branches/resolution.js";
import { tipsToAsk } from "../branches/tips-to-ask.js";
import type { Left } from "../branches/taking.js";
import { type ListToShow, showLists } from "../branches/show-lists.js";
import { namedBy } from "../branches/within.js";
import {
  type CheckedEvidence,
  checkEvidence,
  noEvidence,
  proofsFor,
  showList,
} from "../rights/attestations.js";
import { joinShown, keepParts, type ShownParts } from "../rights/proof-parts.js";
import { answeringPart } from "../session/answering.js";
import { type Conversation, totalsOf } from "../session/conversation.js";
import { tellLeft, tellMerged } from "../session/events.js";
import type { Departure, Outflow } from "../session/outflow.js";
import { outgoing } from "../session/outgoing.js";
import { type PartEnds, partLimit } from "../session/part.js";
import { HeardEvidence } from "../session/heard-evidence.js";
import { Progress } from "../session/progress.js";
import { Along, stonesInPlace } from "./along.js";
import { Arriving } from "./arriving.js";
import { keepSent } from "./keep-sent.js";
import { openLinks } from "./open-links.js";
import { OwnStones } from "./own-stones.js";
import { partUp } from "./part-up.js";
import { draftsOf, explainLeft, type Planned, planRoots } from "./plan-roots.js";
import type { Asked, SagaDone, SagaRunOptions } from "./saga-request.js";
import { changedSince } from "./scope.js";
import { commitSender, type Landed } from "./sender-commit.js";
import { setsToCompare } from "./sets.js";

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
  readonly #ownStones: OwnStones;
  readonly #arriving = new Arriving();
  #planned: Planned | undefined;
  #goesAlong: Along | undefined;
  readonly #stayed = new Set<Address>();
  /** Timelines that came along and stay here as they were. */
  #unmoved: ReadonlySet<Address> = new Set();
  /** Lists that came, and what proves who has made which frames. */
  readonly #evidence = new HeardEvidence();
  #checked: CheckedEvidence = noEvidence;
  /** What the receiver is shown of proofs. */
  #shown: ShownParts = new Map();
  /** Frames that were made to bring branches together. */
  #merges: IbGib[] = [];
  /** Frames that were made here meanwhile, and are signed. */
  #made: readonly IbGib[] = [];
  /** What was left of roots, and heads that came with them and do not count. */
  readonly #left = new Map<Address, Left>();
  readonly #apart = new Map<Address, readonly Address[]>();
  #tipless: ReadonlySet<Address> = new Set();
  /** Has another saga merges to bring that this side has made? */
  #brings = false;
  #relied: Resolution["relied"] = new Map();
  #isPart = false;
  /** How far what goes up goes in this saga. */
  #ends: PartEnds = new Map();
  readonly #proved = new Set<Address>();
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
    const tips = () => this.#plan.roots.flatMap(({ tip }) => tip ?? []);
    this.#ownStones = new OwnStones(options.identity.space, tips);
    this.#sight = { holders: [conversation.established.receiver], reads, stones: this.#ownStones.found };
  }

  /** Has its receipt come, and is everything kept? */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  hear(evidence: readonly Evidence[]): void {
    this.#evidence.hear(evidence);
  }

  /** The receiver has said a turn: what it showed so far belongs to that, with the frames that the turn attests. */
  turn({ saga, entries = [], ...message }: TurnFromReceiver): void {
    const made = [...entries].filter((entry) => "frame" in entry);
    const signature = "attested" in message ? message.attested : undefined;
    if (made.length > 0 && signature !== undefined) {
      const { receiverSession: session } = this.conversation.established;
      const list = { session, saga, count: made.length, signature, all: made };
      this.#evidence.hear(showList(list, () => true));
    }
    this.#evidence.turn();
    if (message.type === "ack" && message.more === true) this.#isPart = true;
  }

  async planRoots({ wanted }: On<"planRoots">): Promise<End<"planned">> {
    const { identity, onEvent, merging, limits } = this.options;
    const { direction, linkedMax: max } = this.asked;
    const request = { wanted, direction, linkedMax: max, receiver: this.#receiver };
    this.#planned = await planRoots(identity, request, this.options);
    const { roots, named: asked, linkedMax, ahead } = this.#planned;
    for (const { address, tip } of roots) if (tip !== undefined) this.#known.add(address);
    const named = roots.filter(({ address }) => !isListAddress(address));
    onEvent({ kind: "started", saga: this.saga, direction, roots: named.length });
    const sets = await setsToCompare(identity, roots, asked, limits.comparedMin, merging.options);
    return { kind: "planned", roots, linkedMax, sets, evidence: await this.#proveLists(ahead) };
  }

  /** Lists of others that the receiver may lack, with what proves them. */
  async #proveLists(ahead: readonly ListToShow[]): Promise<readonly Evidence[]> {
    const { identity, merging } = this.options;
    const { receiver, lane } = this.conversation.established;
    const lists = await showLists(identity.space, ahead, merging);
    const frames = lists.flatMap(({ toProve }) => toProve.map(({ address }) => address));
    const { evidence, shown } = await proofsFor(identity.space, frames, { lane, identity: receiver });
    this.#shown = shown;
    return [...lists.flatMap((list) => list.frames), ...evidence];
  }

  /** What would be staged once the session has ended would outlive it. */
  stage(records: readonly IbGib[]): Promise<void> {
    this.#arriving.add(records);
    return this.#stage(records);
  }

  async #stage(records: readonly IbGib[]): Promise<void> {
    const { space } = this.options.identity;
    if (this.#isOver) throw new KeysagaError("connection_closed");
    const stage = () =>
      space.stage(this.saga, this.#receiver, this.#sight, records, this.conversation.declared);
    try {
      await stage();
    } catch (thrown) {
      const isMissing = thrown instanceof KeysagaError && thrown.code === "record_missing";
      if (!isMissing || !(await this.#ownStones.find(this.saga, this.#sight, records))) throw thrown;
      if (this.#isOver) throw new KeysagaError("connection_closed");
      await stage();
    }
  }

  /** Lists first: what they say decides what is compared. */
  async compare({ roots, statuses }: On<"compare">): Promise<End<"compared">> {
    const { identity, merging } = this.options;
    await this.#hearEvidence();
    return { kind: "compared", asks: await tipsToAsk(identity.space, roots, statuses, merging) };
  }

  /** What came is checked, and kept as far as it counts whatever becomes of the saga; then branches become one. */
  async resolve(effect: On<"resolve">): Promise<End<"resolved">> {
    const { identity, onEvent } = this.options;
    if (effect.kept > 0 && effect.overtaken.length === 0)
      onEvent({ kind: "resumed", saga: this.saga, records: effect.kept });
    const asked = effect.roots.map((root) => root.address);
    const told = effect.found.map((tip) => tip.address);
    const known = await this.#knownWithoutTip(told);
    const { space } = identity;
    const view = space.view(this.saga);
    await this.#arriving.checkLinked(namedBy(effect.roots), this.#plan.linkedMax, view);
    await this.#arriving.check([...asked, ...known], told, view, space);
    const evidence = await this.#hearEvidence();
    const before = new Map([...this.asked.gone].map((root) => [root, "later"] as const));
    this.#goUp(before);
    const whole = await this.#resolve(effect, evidence, before);
    const towards = { ...this.options, receiver: this.#receiver };
    const limit = partLimit(this.conversation, "up", this.options.limits);
    const ends = await partUp(towards, effect, { plan: whole.resolved.plan, along: this.#along }, limit);
    if (ends) this.#goUp(new Map([...before, ...ends]));
    if (ends) this.#isPart = true;
    const resolution = ends ? await this.#resolve(effect, evidence, this.#ends) : whole;
    const { resolved, proved, made, shown, left, unmoved, apart } = resolution;
    this.#tipless = resolution.tipless;
    this.#relied = resolution.relied;
    this.#brings = resolution.isMore;
    for (const frame of proved) this.#proved.add(frame);
    this.#shown = joinShown(this.#shown, shown);
    this.#made = made;
    this.#unmoved = unmoved;
    for (const each of left) this.#left.set(each.address, each);
    for (const [timeline, heads] of apart) this.#apart.set(timeline, heads);
    return { kind: "resolved", ...resolved };
  }

  #goUp(ends: PartEnds): void {
    this.#ends = ends;
    this.#along.later = new Set([...ends].flatMap(([root, end]) => (end === "later" ? [root] : [])));
  }

  #resolve(effect: On<"resolve">, evidence: CheckedEvidence, ends: PartEnds): Promise<Resolution> {
    const { identity, merging, access } = this.options;
    const { receiver, lane } = this.conversation.established;
    this.#merges = [];
    const stage = (frame: IbGib) => {
      if (isMerge(frame)) this.#merges.push(frame);
      return this.#stage([frame]);
    };
    const { named } = this.#plan;
    const stonesFor = (open: readonly OpenReference[]) => stonesInPlace(this.#along, open);
    const resolving = {
      identity,
      receiver,
      lane,
      merging,
      access,
      named,
      stonesFor,
      evidence,
      stage,
    };
    return resolveRoots(resolving, effect, ends);
  }

  /**
   * Timelines that came before and of which nothing counts here: they are no roots, and the receiver may show them still.
   */
  async #knownWithoutTip(told: readonly Address[]): Promise<readonly Address[]> {
    const { space } = this.options.identity;
    const [areHere, tips] = [await space.hasMany(told), await space.tips(told)];
    return told.filter((_, at) => areHere[at] && tips[at] === undefined);
  }

  /** What came so far is checked, and what it rests on and the lists among it are kept, whatever becomes of the saga. */
  async #hearEvidence(): Promise<CheckedEvidence> {
    const { identity, merging, access } = this.options;
    const { space, address: self } = identity;
    const own = answeringPart(this.conversation.established);
    this.#checked = await checkEvidence(identity, this.#evidence.items, { ...merging.options, own });
    await keepParts(identity, this.#checked.parts);
    const keeping = { space, self, from: this.#receiver, holder: self, isOpen: access === "open", merging };
    await keepLists(keeping, this.#checked);
    return this.#checked;
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
    const going = roots.map((root) => this.#going(root));
    this.#keeping = keepSent(identity, this.#receiver, plan, going);
    this.#keeping.catch(() => undefined); // told where the commit waits for it
    const notThere = new Set([...plan.stones, ...unsure]);
    for (const address of known) notThere.delete(address);
    this.#progress.expect(plan, notThere);
    const source = { space, reader: space.view(this.saga) };
    const records = this.#named(
      outgoing(source, plan, { known, lacks: undefined }, this.#along, this.#progress),
    );
    this.#outflow = this.conversation.outflow(records, this.#progress);
    return this.sendMore();
  }

  /** Tells of what stays here. */
  async *#named(departures: AsyncIterable<Departure>): AsyncGenerator<Departure> {
    for await (const departure of departures) {
      const holder = holderOf(departure.record);
      for (const target of departure.references)
        if (!this.#along.later.has(target)) this.#tellAway("up", { holder, target });
      yield departure;
    }
  }

  #tellAway(direction: "up" | "down", { holder, target }: ReferenceTo): void {
    if (direction === "up") this.#stayed.add(target);
    this.options.onEvent({ kind: "staysAway", saga: this.saga, direction, holder, target });
  }

  /** Makes what came visible, and tells the caller what was left. */
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
      shown: this.#shown,
      evidence: this.#checked,
      proved: this.#proved,
      merges: this.#merges,
      before: this.#before,
      made: this.#made,
      settled: this.#settledBy(effect),
      left: [...this.#plan.drafts, ...this.#left.values()],
      apart: this.#apart,
      tipless: this.#tipless,
      relied: this.#relied,
    };
    const found = effect.found.filter((tip) => !this.#unmoved.has(tip.address));
    const { report, merged, isStale } = await commitSender(landing, { ...effect, found });
    // Until it is done a failure ends the call as well.
    const done = { ...(await this.#doneBy(report, { ...effect, found })), isStale };
    this.#isDurable = true;
    tellLeft(onEvent, saga, done.report.left);
    tellMerged(onEvent, saga, merged);
    if (!this.#isPart) for (const reference of done.report.references) this.#tellAway("down", reference);
    onEvent({ kind: "durable", saga, tips: report.tips.length });
    asked.outcome.resolve(done);
  }

  /** What the caller is told, by what is here now. */
  async #doneBy(
    report: Landed["report"],
    { final, named, found }: Pick<On<"commitSpace">, "final" | "named" | "found">,
  ): Promise<Omit<SagaDone, "isStale">> {
    const { identity, platform } = this.options;
    const left = await explainLeft(identity, this.#receiver, report.left, this.options);
    const references = await openLinks(identity.space, [...report.tips, ...report.found]);
    const stayed = await this.#stayedHere();
    const isMore = await this.#isMore();
    const elapsedMs = Math.round(platform.clock.elapsed() - this.asked.started);
    const done = { ...report, left, references, stayed, elapsedMs };
    const told = new Map(final.map((tip) => [tip.address, tip.tip]));
    const refused = named
      .filter(({ address, tip }) => told.get(address) !== tip)
      .map(({ address }) => address);
    const whole = this.#plan.roots.map(({ address }) => address).filter((root) => !this.#ends.has(root));
    const gone = [...whole, ...refused];
    return { report: done, isMore, isPart: this.#isPart, ends: [...final, ...found], gone };
  }

  async #stayedHere(): Promise<readonly Address[]> {
    const { identity, merging } = this.options;
    const others = this.asked.direction === "pull" ? [] : this.#plan.scope.others;
    const changed = await changedSince(identity.space, this.#receiver, others, merging.options);
    return [...new Set([...this.#stayed, ...changed])];
  }

  /** The references whose targets have come. */
  #settledBy({ final }: On<"commitSpace">): readonly ReferenceTo[] {
    const come = new Set(final.map(({ address }) => address));
    return this.#plan.asks.filter(({ target }) => come.has(target));
  }

  async #isMore(): Promise<boolean> {
    const { identity } = this.options;
    const { drafts } = this.#plan;
    if (this.asked.direction === "pull") return false;
    if (this.#brings || drafts.length === 0) return this.#brings;
    const roots = drafts.map(({ address }) => address);
    const still = await draftsOf(identity, this.#receiver, roots, this.options);
    return still.length < roots.length;
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

  get #plan(): Planned {
    if (!this.#planned) throw new KeysagaError("internal", { what: "roots that were not planned" });
    return this.#planned;
  }

  /** A root as it goes up in this part. */
  #going(root: Root): Root {
    const end = this.#ends.get(root.address);
    return end === undefined || end === "later" ? root : { ...root, ...end };
  }

  get #receiver(): Address {
    return this.conversation.established.receiver;
  }
}

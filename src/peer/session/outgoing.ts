import { assert } from "../../base/index.js";
import { type Address, holderOf, type IbGib, nOf, previousOf, tjpOf } from "../../ibgib/index.js";
import { isListAddress } from "../../lists/index.js";
import type { FrameReader } from "../../merge/index.js";
import type { SendPlan } from "../../saga/index.js";
import type { Reference, ReferenceTo } from "../../space/index.js";
import type { Departure } from "./outflow.js";
import type { Progress } from "./progress.js";
import { sharedUpTo } from "./send-plan.js";
import { isFrameOf, sharedStones, type Source, targetsOf } from "./stones.js";

/** Records read at once: frames while walking a timeline, and what a record links to. */
const readAtOnce = 128;

/** What is on the other side already. */
export interface There {
  /** Also what these link to. */
  readonly known: readonly Address[];
  /**
   * What it has said that it lacks: all else that the frames before lead to, by stones, is there as well. Undefined where only
   * what is known is.
   */
  readonly lacks: ReadonlySet<Address> | undefined;
}

/** What of that which is linked goes along. Stones do, unless their link is filed as a reference. */
export interface GoingAlong {
  /** Does this frame, of a timeline that the plan does not name? Else it stays away, as all of its timeline does. */
  frame(frame: IbGib): Promise<boolean>;
  /** Does the stone, though this link to it is filed as a reference here? */
  referred(reference: ReferenceTo): Promise<boolean>;
}

/**
 * The records of a plan, lists first, dependencies before what links them: a timeline's frames in order, and in front of
 * each the stones that it links to and the frames before did not. What is there, and what that links to, is left out.
 * What is linked and does not go along is named with the record that links it.
 *
 * Reads as it goes; holds a page of frames for each timeline and of links for each record it is inside of, and the
 * addresses of stones already sent. `progress` is told of each record right before it is given.
 */
export async function* outgoing(
  source: Source,
  plan: SendPlan,
  there: There,
  along: GoingAlong,
  progress: Pick<Progress, "pass">,
): AsyncGenerator<Departure> {
  const walk = new OutgoingWalk(source, plan, there, along, progress);
  const runs = [
    ...plan.branches.map(({ tjp, frames }) => ({ tjp, last: frames.length - 1 })),
    ...plan.timelines.map(({ tjp, n }) => ({ tjp, last: n })),
  ];
  const isList = ({ tjp }: (typeof runs)[number]) => isListAddress(tjp);
  for (const { tjp, last } of [...runs.filter(isList), ...runs.filter((run) => !isList(run))])
    yield* walk.run(walk.framesUpTo(tjp, last));
  for (const stone of plan.stones) yield* walk.run(await walk.stone(stone));
}

/** The frames of a timeline that the other side lacks, in the order they go out, by position. */
interface Run {
  /** The next position to go out; a walk that comes back goes on there. */
  next: number;
  /** Where a frame of the timeline stands; undefined: elsewhere. */
  positionOf(frame: IbGib): Promise<number | undefined>;
  read(from: number, to: number): Promise<readonly IbGib[]>;
  /** Is every other frame of the timeline on the other side? */
  readonly isWhole: boolean;
  /** Does the plan name these frames, whatever else does? */
  readonly isPlanned: boolean;
}

/**
 * A stretch of the chain of `tip`, or of the newest; positions are numbers. Frames of branches that were grafted on stand
 * beside it.
 */
function chainRun({ space }: Source, tjp: Address, next: number, tip?: Address): Run {
  return {
    next,
    isWhole: false,
    isPlanned: tip !== undefined,
    async positionOf(frame) {
      const n = nOf(frame);
      const isOnChain = n !== undefined && (await space.frameAt(tjp, n)) === frame.address;
      return isOnChain ? n : undefined;
    },
    read: (from, to) => space.frames(tjp, from, to, tip),
  };
}

/** Frames that were singled out, oldest first. */
function branchRun({ reader }: Source, frames: readonly Address[]): Run {
  const positions = new Map(frames.map((address, at) => [address, at]));
  return {
    next: 0,
    isWhole: true,
    isPlanned: true,
    positionOf: ({ address }) => Promise.resolve(positions.get(address)),
    read: (from, to) => readAll(reader, frames.slice(from, to + 1)),
  };
}

/** A first frame by other software may have no number: it stands in front of 0, where our own first frames are. */
const firstPosition = 0;

/** A frame that another one goes on from, with what it links to: that goes ahead of the other, or has gone. */
interface Carrier {
  readonly address: Address;
  readonly links: ReadonlySet<Address>;
  /** Is it on the other side, or on its way? Else the frame brings it along. */
  readonly isThere: boolean;
}

/** One thing that is being sent; it ends when what it stands on has gone ahead of it. */
type Task =
  | {
      readonly kind: "frames";
      readonly run: Run;
      readonly last: number;
      before: Carrier | undefined;
      /** Frames that were read ahead, and the position of the first of them. */
      page: IbGib[];
      pageAt: number;
    }
  | {
      readonly kind: "record";
      readonly record: IbGib;
      /** Is it one of the frames that the plan names? */
      readonly isPlanned: boolean;
      readonly links: Address[];
      /** Finds the other links, once those have gone: what is new rests on what they bring. */
      more: (() => Promise<readonly Address[]>) | undefined;
      page: IbGib[];
      /** Targets that stay away. */
      readonly references: Address[];
    };

/** Depth first with a stack of its own: however deep a graph is, it costs memory, not the call stack. */
class OutgoingWalk {
  readonly #runs = new Map<Address, Run>();
  /** Of these nothing travels, unless it is linked: what the other side has of each is looked at then. */
  readonly #held: ReadonlyMap<Address, SendPlan["held"][number]>;
  readonly #done: Set<Address>;
  /** Stones that go in any case: no link to one is a reference in this saga. */
  readonly #stones: ReadonlySet<Address>;
  /** Targets that were named to stay away: they do not come behind that. */
  readonly #away = new Set<Address>();
  /** References that are filed here, by the timeline or stone that has the link. */
  readonly #filed = new Map<Address, Promise<ReadonlyMap<Address, Reference>>>();

  constructor(
    private readonly source: Source,
    plan: SendPlan,
    private readonly there: There,
    private readonly along: GoingAlong,
    private readonly progress: Pick<Progress, "pass">,
  ) {
    this.#done = new Set(there.known);
    this.#stones = new Set(plan.stones);
    this.#held = new Map(plan.held.map((held) => [held.tjp, held]));
    for (const { tjp, after, tip } of plan.timelines)
      this.#runs.set(tjp, chainRun(source, tjp, after + 1, tip));
    for (const { tjp, frames } of plan.branches) this.#runs.set(tjp, branchRun(source, frames));
  }

  async *run(first: Task | undefined): AsyncGenerator<Departure> {
    const stack = first ? [first] : [];
    for (let task = stack.at(-1); task; task = stack.at(-1)) {
      if (task.kind === "frames") {
        const frame = await this.#nextFrame(task);
        if (frame) stack.push(await this.#frameTask(frame, task));
        else stack.pop();
      } else {
        const linked = await this.#nextLinked(task);
        if (linked) {
          const before = await this.#dependency(linked, task.record);
          if (before === "away") this.#name(task, linked.address);
          else if (before) stack.push(before);
        } else {
          stack.pop();
          this.progress.pass(task.record, task.isPlanned);
          yield { record: task.record, references: task.references };
        }
      }
    }
  }

  framesUpTo(tjp: Address, last: number): Task {
    const run = this.#runs.get(tjp);
    assert(run, "a plan names the timelines whose frames go out");
    return { kind: "frames", run, last, before: undefined, page: [], pageAt: 0 };
  }

  async stone(address: Address): Promise<Task | undefined> {
    const [record] = await readAll(this.source.reader, [address]);
    const task = record && (await this.#dependency(record));
    assert(task !== "away", "a plan names what goes");
    return task;
  }

  /** The next record that `task` links to and that has not gone out. */
  async #nextLinked(task: Task & { kind: "record" }): Promise<IbGib | undefined> {
    for (;;) {
      while (task.page.length === 0 && task.links.length > 0)
        task.page = await this.#readLinked(
          task,
          task.links.splice(0, readAtOnce).filter((target) => !this.#done.has(target)),
        );
      if (task.page.length > 0 || task.more === undefined) return task.page.shift();
      task.links.push(...(await task.more()));
      task.more = undefined;
    }
  }

  /** What a record links to, without what is filed, or was named, to stay away. */
  async #readLinked(task: Task & { kind: "record" }, targets: readonly Address[]): Promise<IbGib[]> {
    if (targets.length === 0) return [];
    const filed = await this.#filedFor(holderOf(task.record));
    const records = await this.source.reader.getMany(targets);
    const there: IbGib[] = [];
    for (const [at, target] of targets.entries()) {
      const record = records[at];
      const reference = filed.get(target);
      assert(record ?? reference, "what a visible record links to is there, or filed as a reference");
      if (record !== undefined && !this.#away.has(target) && (await this.#goes(record, reference)))
        there.push(record);
      else this.#name(task, target);
    }
    return there;
  }

  /** A stone does not where its link is filed as a reference; of timelines the plan says what goes. */
  async #goes(record: IbGib, reference: Reference | undefined): Promise<boolean> {
    if (reference?.isOpen !== true || tjpOf(record) !== undefined) return true;
    return this.#stones.has(record.address) || this.along.referred(reference);
  }

  #name(task: Task & { kind: "record" }, target: Address): void {
    if (!this.#away.has(target)) task.references.push(target);
    this.#away.add(target);
  }

  #filedFor(holder: Address): Promise<ReadonlyMap<Address, Reference>> {
    const known = this.#filed.get(holder);
    if (known !== undefined) return known;
    const filed = this.source.space
      .references([holder])
      .then((references) => new Map(references.map((reference) => [reference.target, reference])));
    if (this.#runs.has(holder) || this.#held.has(holder)) this.#filed.set(holder, filed); // a stone is walked once
    return filed;
  }

  /** What has to go out for a link to `record` to hold; undefined where it is on the other side already. */
  async #dependency(record: IbGib, linkedBy?: IbGib): Promise<Task | "away" | undefined> {
    const { address } = record;
    if (this.#done.has(address)) return undefined;
    const tjp = tjpOf(record);
    const run = tjp && (await this.#runOf(tjp));
    if (tjp && run) {
      const position =
        nOf(record) === undefined && !run.isWhole ? firstPosition : await run.positionOf(record);
      if (position !== undefined) {
        const isMore = !run.isPlanned && position >= run.next; // than the other side is known to have
        return isMore && !(await this.along.frame(record)) ? "away" : this.framesUpTo(tjp, position);
      }
      if (run.isWhole) return undefined;
    }
    // Beside the chain, or of a timeline that the plan does not name.
    const isEntered = !run?.isPlanned && tjp !== (linkedBy && tjpOf(linkedBy));
    if (tjp && isEntered && !(await this.along.frame(record))) return "away";
    this.#done.add(address);
    const before = tjp === undefined ? [] : [previousOf(record) ?? [], graftedIn(record)].flat();
    return this.#recordTask(record, false, await this.#read(before, false));
  }

  async #runOf(tjp: Address): Promise<Run | undefined> {
    const held = this.#held.get(tjp);
    const known = this.#runs.get(tjp);
    if (known !== undefined || held === undefined) return known;
    const run = chainRun(this.source, tjp, (await sharedUpTo(this.source.space, held)) + 1);
    this.#runs.set(tjp, run);
    return run;
  }

  /** Claimed here, before its links are walked: a cycle of timelines that comes back has to find it taken. */
  async #nextFrame(task: Task & { kind: "frames" }): Promise<IbGib | undefined> {
    const { run, last } = task;
    const at = run.next;
    if (at > last) return undefined;
    if (task.page.length === 0 || task.pageAt !== at)
      task.page = [...(await run.read(at, Math.min(last, at + readAtOnce - 1)))];
    const frame = task.page.shift();
    assert(frame, "a timeline holds its frames");
    run.next = at + 1;
    task.pageAt = at + 1;
    return frame;
  }

  async #frameTask(frame: IbGib, task: Task & { kind: "frames" }): Promise<Task> {
    const { isWhole, isPlanned } = task.run;
    const before = await this.#carriers(frame, task);
    task.before = { address: frame.address, links: targetsOf(frame), isThere: true };
    const tjp = tjpOf(frame);
    const isThere = (target: Address) => target === tjp || (isWhole && isFrameOf(target, tjp));
    return this.#recordTask(frame, isPlanned, before, isThere);
  }

  /** The frames before: on the other side, or on their way there. None for what a chain starts with. */
  async #carriers(
    frame: IbGib,
    { run, before, pageAt }: Task & { kind: "frames" },
  ): Promise<readonly Carrier[]> {
    const previous = run.isWhole || pageAt - 1 > firstPosition ? previousOf(frame) : undefined;
    if (previous === undefined) return [];
    const known = previous === before?.address ? [before] : await this.#read([previous], true);
    return [...known, ...(await this.#read(graftedIn(frame), run.isWhole))];
  }

  async #read(frames: readonly Address[], isThere: boolean): Promise<readonly Carrier[]> {
    if (frames.length === 0) return [];
    const read = await readAll(this.source.reader, frames);
    return read.map((frame) => ({ address: frame.address, links: targetsOf(frame), isThere }));
  }

  /** Frames carry their links forward: only those that no frame before has are new to the other side. */
  #recordTask(
    record: IbGib,
    isPlanned: boolean,
    before: readonly Carrier[],
    isThere: (target: Address) => boolean = () => false,
  ): Task & { kind: "record" } {
    const carriers = new Set(before.map(({ address }) => address));
    const isCarried = (target: Address) =>
      carriers.has(target) || isThere(target) || before.some(({ links }) => links.has(target));
    const fresh = [...targetsOf(record)].filter((target) => !isCarried(target));
    const more = async () => {
      const { lacks } = this.there;
      if (lacks !== undefined && fresh.length > 0) await this.#passShared(record, fresh, before, lacks);
      return fresh;
    };
    const links = before.filter((carrier) => !carrier.isThere).map(({ address }) => address);
    return { kind: "record", record, isPlanned, links, more, page: [], references: [] };
  }

  /** What stones lead to that took the place of others is there as far as those lead to it, references apart. */
  async #passShared(
    frame: IbGib,
    fresh: readonly Address[],
    before: readonly Carrier[],
    lacks: ReadonlySet<Address>,
  ): Promise<void> {
    const links = targetsOf(frame);
    const isMerged = before.length > 1; // it has the links of both
    const old = before.flatMap((carrier) =>
      [...carrier.links].filter((target) => isMerged || !links.has(target)),
    );
    if (old.length === 0) return;
    const filed = await this.#filedFor(holderOf(frame));
    const there = old.filter((target) => filed.get(target)?.isOpen !== true);
    for (const shared of await sharedStones(this.source, fresh, there, lacks)) this.#done.add(shared);
  }
}

function graftedIn(frame: IbGib): readonly Address[] {
  return frame.rel8ns?.["graftorphan"] ?? [];
}

async function readAll(reader: FrameReader, addresses: readonly Address[]): Promise<IbGib[]> {
  const records = await reader.getMany(addresses);
  return records.map((record) => {
    assert(record, "what a visible record links to is there");
    return record;
  });
}

import { assert } from "../base/index.js";
import { type Address, type IbGib, linksOf, nOf, previousOf, tjpOf } from "../ibgib/index.js";
import type { SendPlan } from "../saga/index.js";
import type { Space } from "../space/index.js";

/** Records read at once: frames while walking a timeline, and what a record links to. */
const readAtOnce = 128;

/**
 * The records of a plan, dependencies first: a timeline's frames in order, and in front of each the stones and first
 * frames that it links to and the frame before did not. What is in `known`, and what that links to, is left out.
 *
 * Reads as it goes; holds a page of frames for each timeline and of links for each record it is inside of, and the
 * addresses of stones and first frames already sent.
 */
export async function* outgoing(
  space: Space,
  plan: SendPlan,
  known: readonly Address[] = [],
): AsyncGenerator<IbGib> {
  const walk = new OutgoingWalk(space, plan, known);
  for (const { tjp, n } of plan.timelines) yield* walk.run(walk.framesUpTo(tjp, n));
  for (const stone of plan.stones) yield* walk.run(await walk.stone(stone));
}

/** A first frame by other software may have no number: it stands in front of 0, where our own first frames are. */
const numberOf = (frame: IbGib): number => nOf(frame) ?? 0;

/** The frame before the one to send, and what it links to. */
interface Parent {
  readonly address: Address;
  readonly links: ReadonlySet<Address>;
}

/** One thing that is being sent; it ends when what it stands on has gone ahead of it. */
type Task =
  | {
      readonly kind: "frames";
      readonly tjp: Address;
      readonly last: number;
      parent: Parent | undefined;
      /** Frames that were read ahead, and the number of the first of them. */
      page: IbGib[];
      pageAt: number;
    }
  | { readonly kind: "record"; readonly record: IbGib; readonly links: Address[]; page: IbGib[] };

/** Depth first with a stack of its own: however deep a graph is, it costs memory, not the call stack. */
class OutgoingWalk {
  /** The next frame that the other side lacks of each timeline in the plan; a walk that comes back goes on there. */
  readonly #next = new Map<Address, number>();
  readonly #done: Set<Address>;

  constructor(
    private readonly space: Space,
    plan: SendPlan,
    known: readonly Address[],
  ) {
    this.#done = new Set(known);
    for (const { tjp, n } of plan.held) this.#next.set(tjp, n + 1);
    for (const { tjp, after } of plan.timelines) this.#next.set(tjp, after + 1);
  }

  async *run(first: Task | undefined): AsyncGenerator<IbGib> {
    const stack = first ? [first] : [];
    for (let task = stack.at(-1); task; task = stack.at(-1)) {
      if (task.kind === "frames") {
        const frame = await this.#nextFrame(task);
        if (frame) {
          const links = targetsOf(frame);
          stack.push(this.#recordTask(frame, links, task.parent));
          task.parent = { address: frame.address, links };
        } else stack.pop();
      } else {
        const linked = await this.#nextLinked(task);
        if (linked) {
          const before = await this.#dependency(linked);
          if (before) stack.push(before);
        } else {
          stack.pop();
          yield task.record;
        }
      }
    }
  }

  framesUpTo(tjp: Address, last: number): Task {
    return { kind: "frames", tjp, last, parent: undefined, page: [], pageAt: 0 };
  }

  async stone(address: Address): Promise<Task | undefined> {
    const [record] = await this.#read([address]);
    return record && this.#dependency(record);
  }

  /** The next record that `task` links to and that has not gone out. */
  async #nextLinked(task: Task & { kind: "record" }): Promise<IbGib | undefined> {
    while (task.page.length === 0 && task.links.length > 0)
      task.page = await this.#read(
        task.links.splice(0, readAtOnce).filter((target) => !this.#done.has(target)),
      );
    return task.page.shift();
  }

  async #read(addresses: readonly Address[]): Promise<IbGib[]> {
    const records = await this.space.getMany(addresses);
    return records.map((record) => {
      assert(record, "what a visible record links to is there");
      return record;
    });
  }

  /** What has to go out for a link to `record` to hold; undefined where it is on the other side already. */
  async #dependency(record: IbGib): Promise<Task | undefined> {
    const { address } = record;
    if (this.#done.has(address)) return undefined;
    const tjp = tjpOf(record);
    if (tjp !== undefined && this.#next.has(tjp) && (await this.#isOnChain(tjp, record)))
      return this.framesUpTo(tjp, numberOf(record));
    this.#done.add(address);
    return this.#recordTask(record, targetsOf(record), undefined);
  }

  /** Frames of a branch that was grafted on stand beside the tip's `past`; they are sent one by one, as stones are. */
  async #isOnChain(tjp: Address, frame: IbGib): Promise<boolean> {
    const n = nOf(frame);
    return n !== undefined && (await this.space.frameAt(tjp, n)) === frame.address;
  }

  /** Claimed here, before its links are walked: a cycle of timelines that comes back has to find it taken. */
  async #nextFrame(task: Task & { kind: "frames" }): Promise<IbGib | undefined> {
    const n = this.#next.get(task.tjp) ?? 0;
    if (n > task.last) return undefined;
    if (task.page.length === 0 || task.pageAt !== n) task.page = await this.#page(task.tjp, n, task.last);
    const frame = task.page.shift();
    assert(frame, "a timeline holds its frames");
    this.#next.set(task.tjp, n + 1);
    task.pageAt = n + 1;
    const previous = n > 0 ? previousOf(frame) : undefined;
    if (previous !== task.parent?.address) task.parent = await this.#parent(previous);
    return frame;
  }

  async #parent(address: Address | undefined): Promise<Parent | undefined> {
    const record = address && (await this.space.get(address));
    return record && { address: record.address, links: targetsOf(record) };
  }

  #page(tjp: Address, n: number, last: number): Promise<IbGib[]> {
    return this.space.frames(tjp, n, Math.min(last, n + readAtOnce - 1));
  }

  /** Frames carry their links forward: only those that the frame before has not are new to the other side. */
  #recordTask(record: IbGib, targets: ReadonlySet<Address>, parent: Parent | undefined): Task {
    const tjp = parent && tjpOf(record);
    const isThere = (target: Address) =>
      parent !== undefined && (target === parent.address || target === tjp || parent.links.has(target));
    return { kind: "record", record, links: [...targets].filter((target) => !isThere(target)), page: [] };
  }
}

function targetsOf(record: IbGib): ReadonlySet<Address> {
  const targets = new Set<Address>();
  for (const { target } of linksOf(record)) targets.add(target);
  return targets;
}

/**
 * Stones of which it is not known whether the other side has them: what the plan's tips link to that their bases do
 * not, and what that links to, dependencies last. Cheap, and allowed to miss some: those are sent unasked.
 */
export async function unsureStones(space: Space, plan: SendPlan): Promise<readonly Address[]> {
  const unsure = new Set<Address>(plan.stones);
  for (const { tjp, after, tip } of plan.timelines) {
    const base = after >= 0 ? await space.frameAt(tjp, after) : undefined;
    const [newest, held] = await space.getMany(base ? [tip, base] : [tip]);
    const before = held && targetsOf(held);
    for (const { target, name } of newest ? linksOf(newest) : [])
      if (name !== "past" && name !== "tjp" && !before?.has(target)) unsure.add(target);
  }
  return stonesOf(space, unsure, new Set(plan.stones));
}

/** The stones among `addresses` and all that they link to, except those in `asked`. */
async function stonesOf(space: Space, addresses: Iterable<Address>, asked: ReadonlySet<Address>) {
  const found = new Set(addresses);
  const queue = [...found];
  const stones: Address[] = [];
  while (queue.length > 0) {
    for (const record of await space.getMany(queue.splice(0, readAtOnce))) {
      if (!record || tjpOf(record) !== undefined) continue;
      if (!asked.has(record.address)) stones.push(record.address);
      for (const { target } of linksOf(record)) {
        if (!found.has(target)) queue.push(target);
        found.add(target);
      }
    }
  }
  return stones;
}

import { KeysagaError } from "../base/index.js";
import { type Address, type IbGib, isTjp, nOf, shortAddress, tjpOf } from "../ibgib/index.js";
import { checkMerge, type FrameReader, isMerge, mergeTips } from "../merge/index.js";
import type {
  Ask,
  Direction,
  FinalTip,
  Root,
  RootMove,
  RootStatus,
  SendPlan,
  SenderSagaEffect,
  SenderSagaEvent,
} from "../saga/index.js";
import type { Space } from "../space/index.js";
import type { Identity } from "./identity.js";
import { locatorOf } from "./locator.js";
import type { Merging } from "./merging.js";
import { unsureStones } from "./outgoing.js";
import { branchBeyond, isInHistory, type Newer, newerFrames, planOf } from "./send-plan.js";

/** Which of the receiver's tips does this space not hold? With what it takes the receiver to find what both have. */
export async function tipsToAsk(
  space: Space,
  roots: readonly Root[],
  statuses: readonly RootStatus[],
  { options }: Merging,
): Promise<readonly Ask[]> {
  const asks = roots.map(async ({ address, tip, n }, at) => {
    const status = statuses[at]!;
    if (tip === undefined || n === undefined || !isDifferent(status)) return [];
    const own = { tjp: address, tip, n };
    if (await isInHistory(space, status, own, options)) return [];
    return [{ address, locator: [...(await locatorOf(space, own))] }];
  });
  return (await Promise.all(asks)).flat();
}

type Different = Extract<RootStatus, { status: "behind" | "diverged" }>;

function isDifferent(status: RootStatus): status is Different {
  return status.status === "behind" || status.status === "diverged";
}

type Resolve = Extract<SenderSagaEffect, { kind: "resolve" }>;
type Resolved = Omit<Extract<SenderSagaEvent, { kind: "resolved" }>, "kind" | "now">;

/** What becomes of one root. */
interface Outcome {
  /** The tip that the receiver is to have, where that is the sender's to say. */
  readonly chosen?: FinalTip;
  readonly move?: RootMove;
  readonly newer?: Newer;
  readonly stone?: Address;
  readonly held?: SendPlan["held"][number];
}

/**
 * Brings together what both sides have: checks the tips that come in, merges where both have changed a timeline, and
 * plans what the receiver lacks then. A new merge frame is staged with the saga; nothing is committed.
 *
 * @throws KeysagaError `merge_refused`, `merge_failed`, `record_missing` or `limit_exceeded`; `diverged` for a push, which
 *   takes nothing from the receiver. Whatever it throws, both sides are as they were.
 */
export async function resolveRoots(
  identity: Identity,
  { saga, direction, roots, statuses, found, refused }: Resolve,
  merging: Merging,
): Promise<Resolved> {
  const resolution = new Resolution(identity, saga, direction, refused, merging);
  for (const tip of [...tipsAhead(roots, statuses), ...found]) await resolution.check(tip);
  const outcomes: Outcome[] = [];
  for (const [at, root] of roots.entries()) outcomes.push(await resolution.of(root, statuses[at]!));
  const plan = planOf({
    held: outcomes.flatMap(({ held }) => held ?? []),
    newer: outcomes.flatMap(({ newer }) => newer ?? []),
    stones: outcomes.flatMap(({ stone }) => stone ?? []),
  });
  const source = { space: identity.space, reader: resolution.reader };
  return {
    chosen: new Map(outcomes.flatMap(({ chosen }) => (chosen ? [[chosen.address, chosen]] : []))),
    moves: [
      ...outcomes.flatMap(({ move }) => move ?? []),
      ...found.map(({ address, tip }) => ({ address, from: undefined, to: tip })),
    ],
    plan,
    unsure: refused.length > 0 ? [] : await unsureStones(source, plan),
  };
}

function tipsAhead(roots: readonly Root[], statuses: readonly RootStatus[]): readonly FinalTip[] {
  return roots.flatMap(({ address }, at) => {
    const status = statuses[at]!;
    return status.status === "ahead" ? [{ address, tip: status.tip, n: status.n }] : [];
  });
}

class Resolution {
  readonly reader: FrameReader;
  readonly #space: Space;

  constructor(
    private readonly identity: Identity,
    private readonly saga: string,
    private readonly direction: Direction,
    private readonly refused: readonly (readonly FinalTip[])[],
    private readonly merging: Merging,
  ) {
    this.#space = identity.space;
    this.reader = identity.space.view(saga);
  }

  /** A tip that comes in is what it is said to be, and a merge that holds. */
  async check({ address, tip, n }: FinalTip): Promise<void> {
    const [record] = await this.reader.getMany([tip]);
    if (record === undefined) throw new KeysagaError("record_missing", { what: "a tip that was told" });
    checkTip(record, { address, tip, n });
    if (isMerge(record)) await checkMerge(record, this.reader, this.merging.functions, this.merging.options);
  }

  async of(root: Root, status: RootStatus): Promise<Outcome> {
    const { address, tip, n } = root;
    switch (status.status) {
      case "same":
        return n === undefined ? {} : { held: { tjp: address, n } };
      case "ahead":
        return {
          ...(n !== undefined && { held: { tjp: address, n } }),
          move: { address, from: tip, to: status.tip },
        };
      case "unknown":
        return tip === undefined || n === undefined || this.direction === "pull"
          ? {}
          : this.#unknown({ address, tip, n });
      case "behind":
      case "diverged":
        return tip === undefined || n === undefined ? {} : this.#different({ address, tip, n }, status);
    }
  }

  async #unknown({ address, tip, n }: FinalTip): Promise<Outcome> {
    if (this.#sent(address).includes(tip)) return {};
    const record = await this.#space.get(address);
    if (record === undefined || !isTjp(record)) return { stone: address };
    return { newer: { tjp: address, after: -1, tip, n } };
  }

  async #different(ours: FinalTip, theirs: Different): Promise<Outcome> {
    const { address, tip, n } = ours;
    const { options } = this.merging;
    if (await isInHistory(this.#space, theirs, { tjp: address, tip }, options)) {
      const sent = this.#sent(address);
      const newer =
        sent.length === 0
          ? await newerFrames(this.#space, { tjp: address, tip, n }, theirs, options)
          : await branchBeyond(this.reader, address, tip, [theirs.tip, ...sent], options);
      return { chosen: ours, ...(this.direction !== "pull" && { newer }) };
    }
    if (this.direction === "push") throw new KeysagaError("diverged", { timeline: shortAddress(address) });
    await this.check({ address, tip: theirs.tip, n: theirs.n });
    return this.#merged(ours, theirs);
  }

  async #merged({ address, tip }: FinalTip, theirs: Different): Promise<Outcome> {
    const { functions, options } = this.merging;
    const merged = await mergeTips([tip, theirs.tip], this.reader, functions, options);
    if ("frame" in merged) await this.#stage(merged.frame);
    const to = "frame" in merged ? merged.frame.address : merged.same;
    const [record] = await this.reader.getMany([to]);
    const move = to === tip ? {} : { move: { address, from: tip, to } };
    if (this.direction === "pull") return move;
    const known = [theirs.tip, ...this.#sent(address)];
    const newer =
      to === theirs.tip ? undefined : await branchBeyond(this.reader, address, to, known, options);
    return {
      ...move,
      chosen: { address, tip: to, n: (record && nOf(record)) ?? -1 },
      ...(newer && { newer }),
    };
  }

  #stage(frame: IbGib): Promise<unknown> {
    const { address } = this.identity;
    return this.#space.stage(this.saga, address, { holders: [address] }, [frame]);
  }

  /** Tips of commits that came second: what they need is at the receiver already. */
  #sent(root: Address): readonly Address[] {
    return this.refused.flatMap((final) =>
      final.filter(({ address }) => address === root).map(({ tip }) => tip),
    );
  }
}

/** @throws KeysagaError `wrong_context` where a tip belongs to another timeline or has another number. */
export function checkTip(record: IbGib, { address, n }: FinalTip): void {
  const isStone = record.address === address && n === 0;
  if (!isStone && (tjpOf(record) !== address || (nOf(record) ?? -1) !== n))
    throw new KeysagaError("wrong_context", { in: "tips", rule: "a frame of its timeline, by its number" });
}

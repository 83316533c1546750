import fc from "fast-check";
import { expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { type Address, fork, type IbGib, isFrame, linksOf, tjpOf } from "../../src/ibgib/index.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { newDirectory } from "./homes.js";
import { SpaceModel } from "./model.js";
import { addresses, alice, bob, edited, eve, relating, stone, timeline } from "./records.js";

/** Numbers that pick, from what there is when a step is taken. */
const picks = fc.array(fc.nat(), { maxLength: 6 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("make" as const), shape: fc.nat(5), picks }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("stage" as const),
      saga: fc.nat(2),
      isWide: fc.boolean(),
      isOrdered: fc.boolean(),
      picks,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("commit" as const),
      saga: fc.option(fc.nat(2), { nil: undefined }),
      holder: fc.nat(2),
      isWide: fc.boolean(),
      puts: picks,
      tips: picks,
      roots: picks,
      isStale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), saga: fc.nat(2) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const people = [alice, bob, eve];

test("a space in memory does what the model does", async () => {
  await runs(300, async (steps, stagedBytesInMemory) => {
    await follow(steps, new InnerSpace({ limits: { stagedBytesInMemory } }));
  });
});

test("a space in lmdb does what the model does", async () => {
  await runs(25, async (steps, stagedBytesInMemory) => {
    await follow(steps, await openLmdbSpace({ path: newDirectory(), limits: { stagedBytesInMemory } }));
  });
});

/** KEYSAGA_RUNS multiplies how many programs are tried. */
async function runs(count: number, follows: (steps: Step[], inMemory: number) => Promise<void>) {
  const program = fc.array(step, { minLength: 10, maxLength: 60 });
  await fc.assert(fc.asyncProperty(program, fc.constantFrom(0, 1500, 1_000_000), follows), {
    numRuns: count * Number(process.env["KEYSAGA_RUNS"] ?? 1),
  });
}

async function follow(steps: readonly Step[], space: Space): Promise<void> {
  const model = new SpaceModel();
  const made: IbGib[] = [];
  try {
    for (const each of steps) {
      await take(each, space, model, made);
      if (each.kind === "commit") await compare(space, model, made);
    }
    await compare(space, model, made);
  } finally {
    await space.close();
  }
}

async function take(each: Step, space: Space, model: SpaceModel, made: IbGib[]): Promise<void> {
  switch (each.kind) {
    case "make":
      made.push(...make(each.shape, pick(made, each.picks)));
      return;
    case "stage": {
      const [saga, holder] = [`s${each.saga}`, people[each.saga]!];
      const holders = each.isWide ? [alice] : [];
      // Mostly with all they need, as a peer sends them; else whatever comes.
      const records = each.isOrdered
        ? withDependencies(pick(made, each.picks), made)
        : pick(made, each.picks);
      const outcome = await outcomeOf(space.stage(saga, holder, holders, records).then(() => "staged"));
      expect(outcome).toBe(model.stage(saga, holder, holders, records));
      return;
    }
    case "commit": {
      const holder = people[each.saga ?? each.holder]!;
      const frames = pick(made.filter(isFrame), each.tips);
      const tips = new Map(frames.map((frame) => [tjpOf(frame)!, frame.address]));
      const commit = {
        ...(each.saga === undefined ? {} : { saga: `s${each.saga}` }),
        holder,
        holders: each.isWide ? [alice] : [],
        puts: withDependencies(pick(made, each.puts), made),
        tips: [...tips].map(([tjp, to]) => ({
          tjp,
          from: each.isStale ? made[0]?.address : model.tips.get(tjp)?.address,
          to,
        })),
        roots: addresses(pick(made, each.roots)),
      };
      const outcome = await outcomeOf(space.commit(commit).then(({ kind }) => kind));
      expect(outcome).toBe(model.commit(commit));
      return;
    }
    case "drop":
      await space.drop(`s${each.saga}`);
      model.stages.delete(`s${each.saga}`);
  }
}

/** Everything the space shows has to be what the model has, and closed. */
async function compare(space: Space, model: SpaceModel, made: readonly IbGib[]): Promise<void> {
  const all = addresses(made);
  const tjps = all.filter((_, at) => tjpOf(made[at]!) === all[at]);
  const tips = await space.tips(tjps);
  expect(tips.map((tip) => tip?.address)).toEqual(tjps.map((tjp) => model.tips.get(tjp)?.address));
  for (const tjp of tjps) {
    for (const [n, address] of model.chain(tjp)) expect(await space.frameAt(tjp, n)).toBe(address);
  }
  for (const holder of people) {
    expect(await space.hasMany(all, [holder])).toEqual(all.map((address) => model.has(address, [holder])));
    await expectClosed(space, made, [holder, alice]);
    for (const root of all) {
      expect(new Set(await space.missing([root], [holder]))).toEqual(model.missing([root], [holder]));
    }
  }
  for (const root of all) {
    const reached = (await space.reachableTips([root])).map(({ tjp }) => tjp);
    expect(new Set(reached)).toEqual(model.reachable([root]));
    expect(new Set(reached).size).toBe(reached.length);
  }
}

async function expectClosed(space: Space, made: readonly IbGib[], holders: Address[]): Promise<void> {
  const present = (await space.getMany(addresses(made), holders)).flatMap((found) => found ?? []);
  const links = present.flatMap((record) => [...linksOf(record)]);
  const targets = await space.getMany(
    links.map(({ target }) => target),
    holders,
  );
  expect(targets).not.toContain(undefined);
  const timelines = links.filter(
    ({ isExact }, at) => !isExact && tjpOf(targets[at]!) === targets[at]?.address,
  );
  expect(await space.tips(timelines.map(({ target }) => target))).not.toContain(undefined);
}

function make(shape: number, from: readonly IbGib[]): IbGib[] {
  const frame = from.find(isFrame);
  const [any] = from;
  if (shape === 0 || any === undefined) return timeline("line", 2);
  if (shape === 1 || frame === undefined) return [stone(undefined, from)];
  if (shape === 2) return [relating(frame, from)];
  if (shape === 3) return [fork(any, { uuid: `fork ${any.gib} ${from.length}` })];
  return [edited(frame)].flatMap((next) => [next, edited(next)]);
}

function pick(made: readonly IbGib[], numbers: readonly number[]): IbGib[] {
  return made.length === 0 ? [] : numbers.map((number) => made[number % made.length]!);
}

/** With about all that they link to, in the order it was made. */
function withDependencies(records: readonly IbGib[], made: readonly IbGib[]): IbGib[] {
  const wanted = new Set(addresses(records));
  for (const record of [...made].reverse()) {
    if (wanted.has(record.address)) for (const { target } of linksOf(record)) wanted.add(target);
  }
  return made.filter(({ address }) => wanted.has(address));
}

async function outcomeOf(call: Promise<string>): Promise<string> {
  try {
    return await call;
  } catch (thrown) {
    if (thrown instanceof KeysagaError) return thrown.code;
    throw thrown;
  }
}

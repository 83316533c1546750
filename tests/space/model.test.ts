import fc from "fast-check";
import { expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { type Address, fork, type IbGib, isFrame, linksOf, tjpOf } from "../../src/ibgib/index.js";
import { InnerSpace, type Sight, type Space, type Tip } from "../../src/space/index.js";
import { openLmdbSpace } from "../../src/space/lmdb-space.js";
import { newDirectory } from "./homes.js";
import { SpaceModel } from "./model.js";
import { addresses, alice, bob, edited, eve, eyesOf, relating, stone, timeline } from "./records.js";

const odd = (first: IbGib) => first.gib.charCodeAt(0) % 2 === 1;
const sights: readonly Sight[] = [
  eyesOf(),
  eyesOf(alice),
  { holders: [], reads: () => true },
  { holders: [], reads: odd },
  { holders: [alice], reads: () => false },
];
const sight = fc.constantFrom(...sights);

/** Numbers that pick, from what there is when a step is taken. */
const picks = fc.array(fc.nat(), { maxLength: 6 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("make" as const), shape: fc.nat(5), picks }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("stage" as const),
      saga: fc.nat(2),
      sight,
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
      sight,
      puts: picks,
      isWhole: fc.boolean(),
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
  await runs(300, async (steps, stagedBytesInMemoryMax) => {
    await follow(steps, new InnerSpace({ limits: { stagedBytesInMemoryMax } }));
  });
});

test("a space in lmdb does what the model does", async () => {
  await runs(25, async (steps, stagedBytesInMemoryMax) => {
    await follow(steps, await openLmdbSpace({ path: newDirectory(), limits: { stagedBytesInMemoryMax } }));
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
  const isReading = steps.some((each) => "sight" in each && each.sight.reads !== undefined);
  try {
    for (const each of steps) {
      await take(each, space, model, made);
      if (each.kind === "commit") await compare(space, model, made, isReading);
    }
    await compare(space, model, made, isReading);
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
      // Mostly with all they need, as a peer sends them; else whatever comes.
      const records = each.isOrdered
        ? withDependencies(pick(made, each.picks), made)
        : pick(made, each.picks);
      const outcome = await outcomeOf(space.stage(saga, holder, each.sight, records).then(() => "staged"));
      expect(outcome).toBe(model.stage(saga, holder, each.sight, records));
      return;
    }
    case "commit": {
      const holder = people[each.saga ?? each.holder]!;
      const frames = pick(made.filter(isFrame), each.tips);
      const tips = new Map(frames.map((frame) => [tjpOf(frame)!, frame.address]));
      const commit = {
        ...(each.saga === undefined ? {} : { saga: `s${each.saga}` }),
        holder,
        sight: each.sight,
        puts: each.isWhole ? withDependencies(pick(made, each.puts), made) : pick(made, each.puts),
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
async function compare(
  space: Space,
  model: SpaceModel,
  made: readonly IbGib[],
  isReading: boolean,
): Promise<void> {
  const all = addresses(made);
  const tjps = all.filter((_, at) => tjpOf(made[at]!) === all[at]);
  const tips = await space.tips(tjps);
  expect(tips.map((tip) => tip?.address)).toEqual(tjps.map((tjp) => model.tips.get(tjp)?.address));
  for (const tjp of tjps) {
    for (const [n, address] of model.chain(tjp)) expect(await space.frameAt(tjp, n)).toBe(address);
  }
  await expectClosed(space, made, "anyone");
  for (const holder of people) {
    if (!isReading) await expectClosed(space, made, eyesOf(holder, alice), true);
    await compareSight(space, model, all, eyesOf(holder));
  }
  const reading = { holders: [bob], reads: odd };
  await compareSight(space, model, all, reading);
  for (const root of all) {
    expect(standing(await space.reachableTips([root]))).toEqual(model.reachable([root], "anyone"));
    expect(standing(await space.reachableTips([root], reading))).toEqual(model.reachable([root], reading));
  }
  for (const saga of ["s0", "s1", "s2"]) {
    const shown = await space.view(saga).getMany(all);
    expect(shown.map((record) => record?.address)).toEqual(all.map((address) => model.view(saga, address)));
  }
}

async function compareSight(
  space: Space,
  model: SpaceModel,
  all: readonly Address[],
  sight: Sight,
): Promise<void> {
  expect(await space.hasMany(all, sight)).toEqual(all.map((address) => model.has(address, sight)));
  for (const root of all) {
    expect(new Set(await space.missing([root], sight))).toEqual(model.missing([root], sight));
  }
}

/** Where timelines stand; each is named once. */
function standing(tips: readonly Tip[]): Map<Address, Address> {
  const standing = new Map(tips.map(({ tjp, address }) => [tjp, address]));
  expect(standing.size).toBe(tips.length);
  return standing;
}

/** @param isTipped Were tips asked for in every commit? A sight that denies a timeline asks for none. */
async function expectClosed(
  space: Space,
  made: readonly IbGib[],
  sight: Sight | "anyone",
  isTipped = false,
): Promise<void> {
  const present = (await space.getMany(addresses(made), sight)).flatMap((found) => found ?? []);
  const links = present.flatMap((record) => linksOf(record));
  const targets = await space.getMany(
    links.map(({ target }) => target),
    sight,
  );
  expect(targets).not.toContain(undefined);
  if (!isTipped) return;
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

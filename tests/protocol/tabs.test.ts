/** Tabs of one page, or processes of one home: signers over one space, with a lock between them that is good or bad. */
import { expect, test } from "vitest";
import { nOf } from "../../src/ibgib/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { type Identity, type Locks, openIdentity, type Platform } from "../../src/peer/index.js";
import { type CommitResult, InnerSpace } from "../../src/space/index.js";
import { delegate } from "./delegations.js";
import { expectQuiet, type Lab, openLab, spaceWith } from "./lab.js";
import { newIdentity } from "./parties.js";
import { turnTime } from "../turn-time.js";

const tabs = 4;
const framesOfEach = 6;

/** A lock as navigator.locks gives it; `trouble` is asked each time it is held, and may end the holding early. */
function locksWith(trouble: (release: () => void, fail: (reason: Error) => void) => void): Locks {
  let last: Promise<void> = Promise.resolve();
  return {
    async exclusive(_, task, signal) {
      const before = last;
      let release = (): void => undefined;
      last = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      if (signal.aborted) release();
      signal.throwIfAborted();
      try {
        return await new Promise((resolve, reject) => {
          trouble(release, reject);
          task().then(resolve, reject);
        });
      } finally {
        release();
      }
    },
  };
}

const locks: Record<string, Locks | undefined> = {
  "that works": locksWith(() => undefined),
  "that does not exist": undefined,
  "that fails": { exclusive: () => Promise.reject(new Error("no locks here")) },
  "that is never given": { exclusive: () => new Promise(() => undefined) },
  // As with `steal`: the holder is believed to have stopped, and has not.
  "that is taken away at once": locksWith((release, fail) => {
    release();
    fail(new Error("stolen"));
  }),
  "that is taken away in the middle": locksWith((release, fail) => {
    setTimeout(() => {
      release();
      fail(new Error("stolen"));
    }, 2);
  }),
};

/** Commits that lost their compare-and-set. */
class RacedSpace extends InnerSpace {
  lost = 0;

  override async commit(...args: Parameters<InnerSpace["commit"]>): Promise<CommitResult> {
    const result = await super.commit(...args);
    if (result.kind === "moved") this.lost++;
    return result;
  }
}

async function openTabs({ platform }: Lab, lock: Locks | undefined, space: RacedSpace) {
  const each: Platform = { ...platform, ...(lock && { locks: lock }) };
  const secret = platform.random.bytes(32);
  const slow = spaceWith(space, {
    before: () => new Promise((resolve) => void platform.timers.after(1, () => resolve())),
  });
  const first = await newIdentity({ platform: each }, slow, secret);
  const others = Array.from({ length: tabs - 1 }, () =>
    openIdentity({ space: slow, secret, platform: each }),
  );
  return [first, ...(await Promise.all(others))];
}

test.each(Object.entries(locks))("a lock %s: no two frames in one place (threat 5)", async (name, lock) => {
  const lab = await openLab(`a lock ${name}`, name === "that is never given" ? { time: turnTime(1) } : {});
  const space = new RacedSpace();
  const identities = await openTabs(lab, lock, space);
  const signOften = (identity: Identity, tab: number) =>
    Promise.all(Array.from({ length: framesOfEach }, (_, i) => delegate(identity, `${tab}${i}`)));
  await Promise.all(identities.map(signOften));

  const { address } = identities[0]!;
  const { signer } = internalsOf(identities[0]!);
  const frames = await signer.framesAfter(await signer.load(address, "identity"), -1);
  expect(frames.map(nOf)).toEqual(Array.from({ length: 1 + tabs * framesOfEach }, (_, n) => n));
  const claims = frames.slice(1).map(({ data }) => JSON.stringify(Object(data).proofs[0].claim));
  expect(new Set(claims).size).toBe(tabs * framesOfEach);
  if (name === "that works") expect(space.lost).toBe(0);
  if (name === "that does not exist") expect(space.lost).toBeGreaterThan(0);
  await expectQuiet(lab);
  await lab.world.close();
});

import { expect, test } from "vitest";
import { type IbGib, toText } from "../../src/ibgib/index.js";
import { readIdentity, startSenderSession } from "../../src/keystone/index.js";
import {
  acceptConnect,
  type Challenged,
  type Checking,
  type FollowedLane,
  followLane,
  type ReceiverSelf,
} from "../../src/saga/check-connect.js";
import type { Connect } from "../../src/saga/messages.js";
import { outcome } from "../keystone/keystones.js";
import { type Chain, Person, Session } from "./commits.js";

const [alice, bob] = [new Person("alice"), new Person("bob")];
const session = (n: number) => `keystone.session^${String(n).padStart(64, "0")}`;

/** Alice's lane to bob, whose frame n vouches for session n. */
const lane = alice.laneTo(bob);
for (let n = 1; n <= 5; n++) lane.add({ verb: "vouch", target: session(n), scope: bob.address });
const frames = lane.frames;

const follow = (held: FollowedLane | undefined, ...shown: readonly number[]) =>
  followLane(
    held,
    shown.map((n) => frames[n]!),
    bob.address,
  );

test("a lane is followed to the frame that vouches, and those on the way may still bring their sessions, once", () => {
  const { lane: first, used } = follow(undefined, 0, 1, 2, 3);
  expect(used).toMatchObject({ n: 3, session: session(3) });
  expect(first.newest).toBe(frames[3]);
  expect(first.unused.map(({ n }) => n)).toEqual([1, 2]);

  const late = follow(first, 0, 1, 2);
  expect(late.used).toMatchObject({ n: 2, session: session(2) });
  expect(late.lane.newest).toBe(frames[3]); // a newer one does not go back
  expect(late.lane.unused.map(({ n }) => n)).toEqual([1]);
  expect(follow(late.lane, 4).lane).toMatchObject({ newest: frames[4], unused: [{ n: 1 }] });

  const again = "auth_fail: lane frame used or unknown";
  expect(outcome(() => follow(late.lane, 2))).toBe(again);
  expect(outcome(() => follow(late.lane, 3))).toBe(again);
});

/** A session of carol's with bob over a lane of hers, whose newest frame vouches for it towards bob. */
function connectOver(carol: Person, over: Chain) {
  const { s, r, voucher } = new Session(carol, bob, over);
  const self = { identity: readIdentity(bob.identity.frames)! } as ReceiverSelf;
  const session = { first: s.genesis, keystone: s.state, details: startSenderSession(s.genesis).details };
  const state = { session, own: { frames: r.frames.slice(0, 2) }, body: {}, known: {} };
  const proof = {
    frame: toText(s.frames[1]!),
    lane: toText(over.frames.at(-1)!),
    voucher: voucher.signature,
  };
  const checking = {
    sender: s.state,
    candidate: { identity: carol.address },
    identity: { followed: { state: readIdentity(carol.identity.frames) } },
    laneFrames: [],
    lane: followLane(undefined, over.frames, bob.address),
  };
  return outcome(() =>
    acceptConnect(
      self,
      state as unknown as Challenged,
      { proof } as unknown as Connect,
      checking as unknown as Checking,
    ),
  );
}

test("a lane to another receiver lets nobody in, also where it vouches towards this one (threat 4)", () => {
  const [carol, dave, erin] = [new Person("carol"), new Person("dave"), new Person("erin")];
  expect(connectOver(carol, carol.laneTo(bob))).toBe("accepted");
  expect(connectOver(carol, carol.laneTo(dave))).toBe("frame_refused: lane elsewhere");
  expect(connectOver(erin, erin.laneTo(bob, dave))).toBe("frame_refused: another's lane");
  expect(connectOver(dave, dave.undelegatedLaneTo(bob))).toBe("auth_fail: lane not delegated");
});

test("what is remembered of it does not grow with its sessions", () => {
  const sizes = [1, 2, 3, 4, 5].reduce<{ lane?: FollowedLane; sizes: number[] }>(
    (before, n) => {
      const { lane: now } = follow(before.lane, ...(n === 1 ? [0, 1] : [n]));
      const size = (record: IbGib) => record.bytes.length;
      return {
        lane: now,
        sizes: [...before.sizes, size(now.first) + size(now.newest) + 100 * now.unused.length],
      };
    },
    { sizes: [] },
  ).sizes;
  expect(new Set(sizes.slice(1)).size).toBe(1); // the first links a genesis, whose address is shorter
});

test("a frame that does not follow, or vouches towards somebody else, ends it", () => {
  const { lane: held } = follow(undefined, 0, 1);
  expect(outcome(() => follow(held, 3))).toBe("frame_refused: another past");
  expect(outcome(() => follow(undefined))).toBe("auth_fail: lane not shown");
  const elsewhere = () => followLane(held, [frames[2]!], alice.address);
  expect(outcome(elsewhere)).toBe("auth_fail: lane vouches for another session");
});

import { beforeEach, expect, test, vi } from "vitest";
import { Slices } from "../../src/peer/receiver/slices.js";
import { sliceLimits } from "../../src/saga/index.js";
import { fakeTimers } from "../transport/timers.js";
import { nameOf } from "./faults.js";
import { codeOf, expectQuiet, openLab, spaceWith, tapped } from "./lab.js";
import { stranger } from "./parties.js";
import { signOften } from "../scenarios/turns.js";
import { eventually } from "../waiting.js";

/** What has been checked for anybody, a number for each slice that was waited for; the first has what went before. */
const checked = vi.hoisted(() => ({ signatures: [0], frames: 0 }));

vi.mock("../../src/ibgib/record.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/ibgib/record.js")>();
  const readRecord: typeof original.readRecord = (...args) => {
    checked.frames++;
    return original.readRecord(...args);
  };
  return { ...original, readRecord };
});

vi.mock("../../src/base/crypto-node.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/base/crypto-node.js")>();
  const ed25519Verify: typeof original.ed25519Verify = (...args) => {
    checked.signatures[checked.signatures.length - 1]!++;
    return original.ed25519Verify(...args);
  };
  return { ...original, ed25519Verify };
});

vi.mock("../../src/peer/receiver/slices.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/receiver/slices.js")>();
  class CountedSlices extends original.Slices {
    override async next(...args: Parameters<Slices["next"]>): Promise<void> {
      await super.next(...args);
      checked.signatures.push(0);
    }
  }
  return { ...original, Slices: CountedSlices };
});

beforeEach(() => {
  checked.signatures = [0];
});

const often = 200;

test("of a stranger who will not be let in, no chain is checked, however long (threat 17)", async () => {
  const lab = await openLab("not let in", { admission: { kind: "allow-list", identities: [] } });
  const alice = lab.world.senders[0]!;
  await signOften(alice, often);
  checked.signatures = [0];
  const { sender } = tapped(lab, alice);
  expect(await codeOf(sender.connect())).toBe("auth_fail");
  expect(lab.world.receiver.events.at(-1)).toMatchObject({ error: { code: "not_admitted" } });
  // Two of R1 and its host key by alice herself, and those of S1, with two keys of the connect pool.
  expect(checked.signatures).toEqual([expect.any(Number)]);
  expect(checked.signatures[0]).toBeLessThanOrEqual(6);
  await expectQuiet(lab);
});

/** What bob reads of his space for a stranger's open that names alice and what is known of her lane, with so many frames. */
async function readsForOpen(frames: number): Promise<readonly string[]> {
  const reads: string[] = [];
  const lab = await openLab("named", {
    around: (space, of) =>
      of > 0 ? space : spaceWith(space, { before: (method) => void reads.push(method) }),
  });
  const alice = lab.world.senders[0]!;
  await signOften(alice, frames);
  const { sender, tap } = tapped(lab, alice);
  await sender.connect();
  await sender.disconnect();
  const open = tap.said.find(({ message }) => nameOf(message) === "open")!.message;
  await expectQuiet(lab);
  const eve = await stranger(lab.world.dial);
  reads.length = 0;
  checked.frames = 0;
  eve.say(JSON.parse(String(open)));
  await eventually(() => eve.heard.length === 2);
  expect(nameOf(eve.heard[1]!)).toBe("challenge");
  const found = [...reads, `${checked.frames} frames read`];
  await eve.connection.close();
  await expectQuiet(lab);
  return found;
}

test("a stranger's open costs the same whomever it names, however long a chain is stored (threat 17)", async () => {
  const [short, long] = [await readsForOpen(2), await readsForOpen(often)];
  expect(long).toEqual(short);
  expect(long.length).toBeLessThan(10);
});

test("a chain is checked a slice at a time, and a session begins behind the last (threat 17)", async () => {
  const lab = await openLab("in slices", {});
  const alice = lab.world.senders[0]!;
  await signOften(alice, often);
  checked.signatures = [0];
  const { sender } = tapped(lab, alice);
  expect(await codeOf(sender.connect())).toBe("none");
  await sender.disconnect();
  const [, ...slices] = checked.signatures;
  expect(slices).toHaveLength(Math.ceil(often / sliceLimits.framesMax) + 1); // the lane comes behind the identity
  for (const signatures of slices) expect(signatures).toBeLessThanOrEqual(sliceLimits.framesMax + 2);
  await expectQuiet(lab);
});

test("a network that has had too many signatures checked is refused, and no timer is left (threat 17)", async () => {
  const lab = await openLab("too many", {
    limits: { signaturesPerNetworkPerMinute: 2 * sliceLimits.framesMax },
  });
  const alice = lab.world.senders[0]!;
  await signOften(alice, often);
  const { sender } = tapped(lab, alice);
  expect(await codeOf(sender.connect())).toBe("auth_fail");
  expect(lab.world.receiver.events.at(-1)).toMatchObject({
    error: { code: "limit_exceeded", facts: { limit: "signaturesPerNetworkPerMinute" } },
  });
  await expectQuiet(lab);
});

test("slices are granted one at a time, with a rest behind each, and counted for each network", async () => {
  const { timers, advance, elapsed } = fakeTimers();
  const clock = { now: elapsed, elapsed };
  const slices = new Slices(2 * sliceLimits.framesMax, { timers, clock });
  const granted: string[] = [];
  const { signal } = new AbortController();
  const ask = async (network: string) => {
    await slices.next(network, sliceLimits.framesMax, signal);
    granted.push(network);
  };
  const asked = ["a", "a", "b"].map(ask);
  await expect(slices.next("a", 1, signal)).rejects.toMatchObject({
    code: "limit_exceeded",
    facts: { limit: "signaturesPerNetworkPerMinute", max: 2 * sliceLimits.framesMax },
  });
  await asked[0];
  expect(granted).toEqual(["a"]);
  await passing(advance, Promise.all(asked));
  expect(granted).toEqual(["a", "a", "b"]);
  advance(60_000);
  await passing(advance, ask("a")); // a minute later it may again
  slices.close();
});

test("who gives up waiting for a slice stops nobody behind it", async () => {
  const { timers, advance, elapsed } = fakeTimers();
  const slices = new Slices(10 * sliceLimits.framesMax, { timers, clock: { now: elapsed, elapsed } });
  const { signal } = new AbortController();
  await slices.next("a", 1, signal);
  const gone = new AbortController();
  const given = slices.next("b", 1, gone.signal);
  const behind = slices.next("c", 1, signal);
  gone.abort(new Error("gone"));
  await expect(given).rejects.toThrow("gone");
  await passing(advance, behind);
  slices.close();
});

/** Lets time pass until `outcome` is there: a second at most, and a rest takes no longer than 30 ms. */
async function passing(advance: (ms: number) => void, outcome: Promise<unknown>): Promise<void> {
  let isThere = false;
  void outcome.then(() => {
    isThere = true;
  });
  for (let steps = 0; steps < 100 && !isThere; steps++) {
    advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isThere).toBe(true);
}

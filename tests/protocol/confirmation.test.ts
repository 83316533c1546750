/** A home that has met receivers has its identity sign only once one of them has said that it knows nothing newer. */
import { expect, test } from "vitest";
import { internalsOf } from "../../src/peer/home/identity.js";
import {
  createReceiver,
  createSender,
  type Identity,
  openIdentity,
  share,
  unshare,
} from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import {
  createWorld,
  Peer,
  seededPlatform,
  type TapRule,
  tapDial,
  type World,
} from "../../src/testing/index.js";
import { copyOf } from "./copies.js";
import { delegate } from "./delegations.js";
import { codeOf, contentsOf } from "./lab.js";
import { newIdentity } from "./parties.js";

/** Alice has met bob, and not dave, and opens her home again. */
async function opened(seed: string, options: { readonly signUnconfirmed?: boolean } = {}) {
  const platform = seededPlatform(seed);
  const world = await createWorld({ seed: `${seed}, the world`, receivers: ["bob", "dave"], access: "open" });
  const space = new InnerSpace();
  const secret = platform.random.bytes(32);
  const before = await newIdentity({ platform }, space, secret);
  expect(await connect(world, before, "bob")).toBe("none");
  const identity = await openIdentity({ space, secret, platform, ...options });
  return { world, platform, before, identity, space, secret };
}

async function connect(
  world: World,
  identity: Identity,
  to: "bob" | "dave",
  rule?: TapRule,
): Promise<string> {
  const { dial, audience } = world.receivers[to === "bob" ? 0 : 1]!.listening;
  const sender = createSender({ identity, dial: tapDial(dial, rule).dial, audience, access: "open" });
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  return code;
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** Everything that has the identity's own keystone sign. */
const acts: Record<string, (opened: Opened) => Promise<string>> = {
  "a delegation": ({ identity }) => codeOf(delegate(identity, "b")),
  "a first meeting": ({ world, identity }) => connect(world, identity, "dave"),
  "a host key": ({ identity }) =>
    codeOf(createReceiver({ identity, audiences: [], admission: { kind: "open" } })),
};

test.each(Object.entries(acts))(
  "%s waits for a receiver that was met before (threat 5)",
  async (name, act) => {
    const all = await opened(name);
    const { world, before, identity, space } = all;
    await delegate(before, "a");
    const contents = await contentsOf(space);
    const { n } = (await internalsOf(identity).signer.load(identity.address, "identity")).state;
    expect(await act(all)).toBe("tip_unconfirmed");
    expect(await contentsOf(space)).toEqual(contents);
    expect(await connect(world, identity, "bob")).toBe("none");
    expect(await act(all)).toBe("none");
    expect((await internalsOf(identity).signer.load(identity.address, "identity")).state.n).toBe(n + 1);
    await world.close();
  },
);

test.each(Object.entries(acts))("%s needs none where somebody answers for the home", async (name, act) => {
  const all = await opened(`${name}, anyway`, { signUnconfirmed: true });
  await delegate(all.before, "a");
  expect(await act(all)).toBe("none");
  await all.world.close();
});

test("who has met nobody when it is opened needs none, for as many receivers as it meets", async () => {
  const world = await createWorld({ seed: "fresh", receivers: ["bob", "dave"] });
  const platform = seededPlatform("somebody fresh");
  const [space, secret] = [new InnerSpace(), platform.random.bytes(32)];
  await newIdentity({ platform }, space, secret);
  const identity = await openIdentity({ space, secret, platform });
  expect([await connect(world, identity, "bob"), await connect(world, identity, "dave")]).toEqual([
    "none",
    "none",
  ]);
  await world.close();
});

test("a receiver confirms with its challenge where it knows all, and only with ready where it is behind", async () => {
  const failure = JSON.stringify({ type: "error", code: "shutting_down" });
  const noReady: TapRule = ({ message }) => [
    String(message).startsWith('{"type":"ready"') ? failure : message,
  ];
  for (const isBehind of [false, true]) {
    const all = await opened(`behind: ${isBehind}`);
    if (isBehind) await delegate(all.before, "a");
    expect(await connect(all.world, all.identity, "bob", noReady)).toBe("auth_fail");
    expect(await acts["a delegation"]!(all)).toBe(isBehind ? "tip_unconfirmed" : "none");
    expect(await connect(all.world, all.identity, "bob")).toBe("none");
    expect(await acts["a delegation"]!(all)).toBe("none");
    await all.world.close();
  }
});

test("a receiver that knows something newer confirms nothing before that is taken over (threats 5, 14)", async () => {
  const all = await opened("a newer one");
  const { world, before, space, secret, platform } = all;
  const copy = await copyOf(space, before.address);
  expect(await connect(world, before, "bob")).toBe("none");
  await delegate(before, "a");
  expect(await connect(world, before, "bob")).toBe("none");
  const identity = await openIdentity({ space: copy, secret, platform });
  expect(await connect(world, identity, "dave")).toBe("tip_unconfirmed");
  // Who has the lane that was delegated meanwhile cannot be asked.
  expect(await connect(world, identity, "bob")).toBe("restored_backup");
  expect(await connect(world, identity, "dave")).toBe("restored_backup");
  const answeredFor = await openIdentity({ space: copy, secret, platform, signUnconfirmed: true });
  expect([await connect(world, answeredFor, "bob"), await connect(world, answeredFor, "dave")]).toEqual([
    "none",
    "none",
  ]);
  await world.close();
});

test("a list needs no keystone: who shares or takes back waits for nobody", async () => {
  const { world, identity, platform } = await opened("lists");
  const note = await new Peer("alice", identity, platform).timeline("note");
  const bob = `keystone.identity^${"B".repeat(64)}` as Identity["address"];
  expect(await codeOf(share(identity, { timeline: note, with: bob, access: "read" }))).toBe("none");
  expect(await codeOf(unshare(identity, { timeline: note, from: bob }))).toBe("none");
  await world.close();
});

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ed25519PublicKey, toHex } from "../../src/base/index.js";
import { decodeText, isAddress, type RecordText, toText } from "../../src/ibgib/index.js";
import { foundSenderSession, genesis, hostKeyDetails } from "../../src/keystone/index.js";
import { mergeFunctions } from "../../src/merge/index.js";
import { mergingOf } from "../../src/peer/branches/merging.js";
import { certifyHostKey, identityFrames, internalsOf, stateOf } from "../../src/peer/home/identity.js";
import {
  createIdentity,
  createReceiver,
  createSender,
  type Identity,
  openIdentity,
} from "../../src/peer/index.js";
import { CommitQueue } from "../../src/peer/receiver/commit-queue.js";
import { KeptStages } from "../../src/peer/receiver/kept-stages.js";
import { Quotas, receiverLimits } from "../../src/peer/receiver/quotas.js";
import { Receiver } from "../../src/peer/receiver/receiver.js";
import { Slices } from "../../src/peer/receiver/slices.js";
import type { ReceiverSelf } from "../../src/saga/index.js";
import { sagaLimits, sessionLimits } from "../../src/saga/index.js";
import { Challenge, Connect, Frames, Open } from "../../src/saga/messages.js";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { type Peer, type TapRule, type TapSide, tapDial } from "../../src/testing/index.js";
import { createInnerspace, type Dial } from "../../src/transport/index.js";
import { signOften } from "../scenarios/turns.js";
import { copyOf } from "./copies.js";
import { signsTwice } from "../one-time/ledger.js";
import { delegate } from "./delegations.js";
import { nameOf } from "./faults.js";
import { codeOf, contentsOf, expectQuiet, type Lab, openLab, tapped } from "./lab.js";
import { benchOf } from "./matrix.js";
import { newIdentity, stranger } from "./parties.js";
import { eventually } from "../waiting.js";

const spy = vi.hoisted(() => ({
  signatures: 0,
  /** What a dishonest receiver demands instead of what it drew. */
  demanded: undefined as readonly number[] | undefined,
}));

vi.mock("../../src/base/crypto-node.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/base/crypto-node.js")>();
  const ed25519Sign: typeof original.ed25519Sign = (...args) => {
    spy.signatures++;
    return original.ed25519Sign(...args);
  };
  const ed25519Key: typeof original.ed25519Key = (seed) => {
    const { publicKey } = original.ed25519Key(seed);
    return { publicKey, sign: (message) => ed25519Sign(seed, message) };
  };
  return { ...original, ed25519Key, ed25519Sign };
});

vi.mock("../../src/peer/receiver/receiver-store.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/receiver/receiver-store.js")>();
  const drawChallenge: typeof original.drawChallenge = (identity, platform) => {
    const draw = original.drawChallenge(identity, platform);
    return spy.demanded ? { ...draw, demanded: spy.demanded } : draw;
  };
  return { ...original, drawChallenge };
});

beforeEach(() => {
  spy.demanded = undefined;
});

/** One attempt to connect: the code it ends with. */
async function connect(lab: Lab, identity: Identity, dial: Dial, pin?: string): Promise<string> {
  const { platform, world } = lab;
  const sender = createSender({
    identity,
    dial,
    audience: world.audience,
    platform,
    ...(isAddress(pin) && { pin }),
  });
  const code = await codeOf(sender.connect());
  await sender.disconnect();
  return code;
}

/** Changes one message on its way, as eve would who owns the connection, or one end of it. */
function altering(name: string, alter: (message: Record<string, unknown>) => unknown): TapRule {
  return ({ message }) =>
    nameOf(message) === name ? [JSON.stringify(alter(JSON.parse(String(message))))] : [message];
}

/** What one connect of a sender through a tap says, by message name. */
async function overhear(lab: Lab, identity: Identity) {
  const tap = tapDial(lab.world.dial);
  expect(await connect(lab, identity, tap.dial)).toBe("none");
  const said = (name: string): unknown =>
    JSON.parse(String(tap.said.find(({ message }) => nameOf(message) === name)?.message));
  return {
    open: Open.parse(said("open")),
    challenge: Challenge.parse(said("challenge")),
    connect: Connect.parse(said("connect")),
  };
}

/** Another receiver, eve's or an honest one, in the same network. */
async function receiverOf(
  lab: Lab,
  audiences: readonly string[],
  lie?: (self: ReceiverSelf) => ReceiverSelf,
) {
  const { platform } = lab;
  const identity = await newIdentity(lab);
  const admission = { kind: "open" } as const;
  const options = { identity, audiences, admission, platform };
  const honest = await createReceiver(options);
  const quotas = await Quotas.open(identity.space, receiverLimits, platform);
  const merging = mergingOf(mergeFunctions(), platform);
  const commits = new CommitQueue(receiverLimits, platform.timers);
  const kept = new KeptStages(identity.space, receiverLimits, platform.timers);
  const slices = new Slices(receiverLimits.signaturesPerNetworkPerMinute, platform);
  const parts = { quotas, merging, commits, kept, slices, options };
  const receiver = lie ? new Receiver({ ...parts, self: lie(await selfOf(identity, audiences)) }) : honest;
  const { listen, dial } = createInnerspace(platform);
  listen((connection) => receiver.accept(connection));
  return { identity, receiver, dial };
}

async function selfOf(identity: Identity, audiences: readonly string[]): Promise<ReceiverSelf> {
  const { frames, hostKey } = await certifyHostKey(identity);
  const { hostSeed } = internalsOf(identity);
  const limits = sessionLimits;
  return {
    identity: stateOf(frames),
    frames,
    hostKey,
    hostSeed,
    audiences,
    limits,
    exporter: undefined,
  };
}

describe("the receiver proves itself first", () => {
  test("a pin holds against any other identity, and nothing is signed (threat 4)", async () => {
    const lab = await openLab("pin");
    const { alice } = benchOf(lab);
    const before = await contentsOf(alice.space);
    expect(await connect(lab, alice.identity, lab.world.dial, alice.address)).toBe("receiver_changed");
    expect(await contentsOf(alice.space)).toEqual(before);
    expect(await connect(lab, alice.identity, lab.world.dial, lab.world.receiver.address)).toBe("none");
    await lab.world.close();
  });

  test("trust on first use pins after a verified challenge, and only then", async () => {
    const lab = await openLab("first use");
    const { alice } = benchOf(lab);
    const pins = () => alice.space.cells("pin/");
    const forged = tapDial(
      lab.world.dial,
      altering("challenge", (message) => ({ ...message, body: "{}" })),
    );
    expect(await connect(lab, alice.identity, forged.dial)).toBe("malformed_message");
    expect(await pins()).toEqual([]);
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("none");
    expect(await pins()).toHaveLength(1);
    const eve = await receiverOf(lab, [lab.world.audience]);
    expect(await connect(lab, alice.identity, eve.dial)).toBe("receiver_changed");
    await lab.world.close();
  });

  test("eve cannot pass for a receiver whose identity she only repeats", async () => {
    const lab = await openLab("repeats");
    const { alice, bob } = benchOf(lab);
    const bobsOwn = await selfOf(bob.identity, [lab.world.audience]);
    const eve = await receiverOf(lab, [lab.world.audience], ({ hostKey, hostSeed }) => ({
      ...bobsOwn,
      hostKey,
      hostSeed,
      identity: { ...bobsOwn.identity, hostKeys: new Map([[hostKey, bobsOwn.frames.at(-1)!.address]]) },
    }));
    const before = await contentsOf(alice.space);
    expect(await connect(lab, alice.identity, eve.dial, bob.address)).toBe("receiver_unproved");
    expect(await contentsOf(alice.space)).toEqual(before);
    await lab.world.close();
  });

  test("a retired host key is refused, also where the frame that retires it is held back", async () => {
    const lab = await openLab("retired");
    const { alice, bob } = benchOf(lab);
    const old = await selfOf(bob.identity, [lab.world.audience]);
    const hostSeed = lab.platform.random.bytes(32);
    const hostKey = toHex(ed25519PublicKey(hostSeed));
    await signHostKey(bob.identity, "delegate", hostKey);
    await signHostKey(bob.identity, "revoke", old.hostKey);
    const frames = await identityFrames(bob.identity);

    const stale = await receiverOf(lab, [], () => ({ ...old, frames }));
    expect(await connect(lab, alice.identity, stale.dial, bob.address)).toBe("receiver_unproved");
    const moved = await receiverOf(lab, [], () => ({
      ...old,
      frames,
      identity: stateOf(frames),
      hostKey,
      hostSeed,
    }));
    expect(await connect(lab, alice.identity, moved.dial, bob.address)).toBe("none");
    const before = await contentsOf(alice.space);
    const holdingBack = await receiverOf(lab, [], () => old);
    expect(await connect(lab, alice.identity, holdingBack.dial, bob.address)).toBe("receiver_unproved");
    expect(await contentsOf(alice.space)).toEqual(before);
    await lab.world.close();
  });

  test.each([
    ["more ids", [0, 1, 2]],
    ["fewer ids", [0]],
    ["an unknown id", [0, 9]],
    ["an id twice", [1, 1]],
    ["none", []],
  ])("a demand for %s: nothing is signed (threats 3, 17)", async (_, demanded) => {
    const lab = await openLab(`demand ${demanded.join()}`);
    const { alice } = benchOf(lab);
    spy.demanded = demanded;
    const before = await contentsOf(alice.space);
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("wrong_demand");
    expect(await contentsOf(alice.space)).toEqual(before);
    await lab.world.close();
  });
});

function signHostKey(identity: Identity, verb: "delegate" | "revoke", hostKey: string): Promise<unknown> {
  const { address } = identity;
  const { signer } = internalsOf(identity);
  return signer.sign(async () => {
    const held = await signer.load(address, "identity");
    const state = stateOf(await signer.framesAfter(held, -1));
    const frame = { verb, target: hostKey, details: hostKeyDetails(state, verb, hostKey) };
    return { requests: [{ held, frame }] };
  });
}

describe("eve between two honest peers", () => {
  test("cannot bring alice to another receiver than the one that was dialled (threat 4)", async () => {
    const lab = await openLab("elsewhere");
    const { alice } = benchOf(lab);
    const dan = await receiverOf(lab, ["wss://dan.example"]);
    expect(await connect(lab, alice.identity, dan.dial)).toBe("auth_fail");
    expect((await contentsOf(dan.identity.space)).proofs.join()).not.toContain(alice.address);
    await lab.world.close();
  });

  test("cannot sign in as alice with alice's answer to bob's challenge to eve (threat 4)", async () => {
    const lab = await openLab("relay");
    const { alice, bob } = benchOf(lab);
    const eve = await newIdentity(lab);
    const hers = (await overhear(lab, eve)).challenge;
    const before = await contentsOf(bob.space);
    const tap = tapDial(
      lab.world.dial,
      altering("challenge", () => hers),
    );
    expect(await connect(lab, alice.identity, tap.dial)).not.toBe("none");
    expect(tap.said.map(({ message }) => nameOf(message))).not.toContain("connect");
    expect(await contentsOf(bob.space)).toEqual(before);
    await lab.world.close();
  });

  test("cannot use what alice said to bob on a connection of her own (threats 1, 4)", async () => {
    const lab = await openLab("again");
    const { alice, bob } = benchOf(lab);
    const said = await overhear(lab, alice.identity);
    const before = await contentsOf(bob.space);
    const eve = await stranger(lab.world.dial);
    eve.say(said.open);
    await eventually(() => eve.heard.length === 2);
    eve.say(said.connect);
    expect(await eventually(eve.isOver)).toBe(true);
    expect(JSON.parse(eve.heard.at(-1)!)).toEqual({ type: "error", code: "auth_fail" });
    expect(await contentsOf(bob.space)).toEqual(before);
    await expectQuiet(lab);
    await lab.world.close();
  });
});

describe("the sender proves itself before anything is kept", () => {
  test("who is not on the allow-list learns no more than that it was not accepted (threat 20)", async () => {
    const lab = await openLab("allow-list", { admission: { kind: "allow-list", identities: [] } });
    const { alice, bob } = benchOf(lab);
    const before = await contentsOf(bob.space);
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("auth_fail");
    expect(bob.events.at(-1)).toMatchObject({ kind: "closed", error: { code: "not_admitted" } });
    expect(await contentsOf(bob.space)).toEqual(before);
    await lab.world.close();
  });

  test("a stranger's open costs two signatures and leaves nothing (threat 17)", async () => {
    const lab = await openLab("stranger");
    const { alice, bob } = benchOf(lab);
    const { open } = await overhear(lab, alice.identity);
    const before = await contentsOf(bob.space);
    const eve = await stranger(lab.world.dial);
    const signed = spy.signatures;
    eve.say(open);
    await eventually(() => eve.heard.length === 2);
    expect(nameOf(eve.heard[1]!)).toBe("challenge");
    expect(spy.signatures - signed).toBe(2);
    await eve.connection.close();
    await expectQuiet(lab);
    expect(await contentsOf(bob.space)).toEqual(before);
    await lab.world.close();
  });

  const weaker: readonly (readonly [string, (open: Open, lab: Lab) => RecordText])[] = [
    ["a session with weaker pools", ({ session }, lab) => sessionWith(session, lab, { size: 1 })],
    [
      "a session for another audience",
      ({ session }, lab) => sessionWith(session, lab, { audience: "ws://eve" }),
    ],
    [
      "a session for another receiver",
      ({ session, identity }, lab) => sessionWith(session, lab, { receiver: identity.keystone }),
    ],
    [
      "a session with more than the receiver allows",
      ({ session }, lab) => sessionWith(session, lab, { records: 1e12 }),
    ],
  ];
  test.each(weaker)("%s is refused before it costs a signature (threat 15)", async (_, made) => {
    const lab = await openLab("weaker");
    const { alice, bob } = benchOf(lab);
    const { open } = await overhear(lab, alice.identity);
    const before = await contentsOf(bob.space);
    const eve = await stranger(lab.world.dial);
    const session = made(open, lab);
    const signed = spy.signatures;
    eve.say({ ...open, session });
    expect(await eventually(eve.isOver)).toBe(true);
    expect(eve.heard.slice(1).map((text) => JSON.parse(text))).toEqual([
      { type: "error", code: "auth_fail" },
    ]);
    expect(spy.signatures).toBe(signed);
    expect(await contentsOf(bob.space)).toEqual(before);
    await lab.world.close();
  });

  test("a lane frame vouches for one session, once, and for its own identity's (threat 1)", async () => {
    const lab = await openLab("lanes", { senders: ["alice", "carol"] });
    const { alice, carol, bob } = benchOf(lab);
    const earlier = (await overhear(lab, alice.identity)).connect;
    const before = await contentsOf(bob.space);
    const withLane = altering("connect", (message) => ({
      ...message,
      proof: { ...Object(message["proof"]), lane: earlier.proof.lane },
    }));
    for (const who of [alice, carol]) {
      expect(await connect(lab, who.identity, tapDial(lab.world.dial, withLane).dial)).toBe("auth_fail");
      expect(await contentsOf(bob.space)).toEqual(before);
    }
    // The lane itself is as good as before.
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("none");
    await lab.world.close();
  });

  const vouchers: Record<string, (proof: Connect["proof"], earlier: Connect["proof"]) => Connect["proof"]> = {
    "an earlier session's voucher": (proof, earlier) => ({ ...proof, voucher: earlier.voucher }),
    "an earlier session's lane frame and voucher": (proof, { lane, voucher }) => ({
      ...proof,
      lane,
      voucher,
    }),
    "a voucher of nobody": (proof) => ({ ...proof, voucher: "00".repeat(64) }),
    "the session frame's signature for a voucher": (proof) => ({
      ...proof,
      voucher: /"signature":"(\w+)"/.exec(proof.frame[3])?.[1] ?? "",
    }),
  };
  test.each(Object.entries(vouchers))("%s lets nobody in (threat 1)", async (_, change) => {
    const lab = await openLab("vouchers");
    const { alice, bob } = benchOf(lab);
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("none");
    const earlier = (await overhear(lab, alice.identity)).connect;
    const before = await contentsOf(bob.space);
    const withVoucher = altering("connect", (message) => ({
      ...message,
      proof: change(message["proof"] as Connect["proof"], earlier.proof),
    }));
    expect(await connect(lab, alice.identity, tapDial(lab.world.dial, withVoucher).dial)).toBe("auth_fail");
    expect(await contentsOf(bob.space)).toEqual(before);
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("none");
    await lab.world.close();
  });

  test("a lane counts only where its identity has delegated it", async () => {
    const lab = await openLab("undelegated");
    const { alice, bob } = benchOf(lab);
    const before = await contentsOf(bob.space);
    const withoutDelegation = altering("connect", ({ identityFrames, ...message }) => ({
      ...message,
      identityFrames: (identityFrames as RecordText[]).slice(0, 1),
    }));
    const { dial } = tapDial(lab.world.dial, reordered(withoutDelegation));
    expect(await connect(lab, alice.identity, dial)).toBe("auth_fail");
    expect(bob.events.at(-1)).toMatchObject({ error: { facts: { rule: "lane not delegated" } } });
    expect(await contentsOf(bob.space)).toEqual(before);
    await lab.world.close();
  });
});

/** The altered message with its members in the order of the schema: `type` first. */
function reordered(rule: TapRule): TapRule {
  return (passing) =>
    rule(passing).map((message) => {
      if (typeof message !== "string") return message;
      const { type, ...rest } = JSON.parse(message);
      return JSON.stringify({ type, ...rest });
    });
}

/** A session's genesis like the one that was said, but for what eve would rather have. */
function sessionWith(
  session: RecordText,
  { platform }: Lab,
  wish: {
    readonly size?: number;
    readonly audience?: string;
    readonly receiver?: string;
    readonly records?: number;
  },
): RecordText {
  const { data } = decodeText(session);
  const said = JSON.parse(JSON.stringify(data))["details"];
  const [nonce, secret] = [platform.random.bytes(32), platform.random.bytes(32)];
  const secretFor = () => secret;
  const { receiver = said.receiver, audience = said.audience, records = said.caps.records } = wish;
  const names = { lane: said.lane, receiver, audience, caps: { ...said.caps, records } };
  if (wish.size === undefined) return toText(foundSenderSession(nonce, names, secretFor));
  const config = {
    strategy: "ed25519-once",
    demanded: 0,
    fifo: 1,
    replenish: "top-up",
    commit: "list",
  } as const;
  const pool = (name: string) => ({ name, config: { ...config, verbs: [name], size: 1 } });
  const pools = [pool("connect"), pool("sync")];
  return toText(genesis({ kind: "session", nonce, details: { role: "sender", ...names }, pools, secretFor }));
}

describe("frames that go ahead count for no more than frames that are shown (threat 11)", () => {
  const messagesMax = sessionLimits.chainFramesMax / sagaLimits.framesShownMax;
  type Ahead = readonly string[];
  const cases: Readonly<
    Record<
      string,
      { readonly said: (ahead: Ahead, foreign: string) => Ahead; readonly seen: Record<TapSide, string> }
    >
  > = {
    "none of them": {
      said: () => [],
      seen: { sender: "receiver_unproved", receiver: "auth_fail" },
    },
    "somebody else's": {
      said: (_, foreign) => [foreign],
      seen: { sender: "receiver_unproved", receiver: "auth_fail" },
    },
    "somebody else's behind one's own": {
      said: (ahead, foreign) => [...ahead, foreign],
      seen: { sender: "frame_refused", receiver: "frame_refused" },
    },
    "each twice": {
      said: (ahead) => ahead.flatMap((message) => [message, message]),
      seen: { sender: "frame_refused", receiver: "frame_refused" },
    },
    "in a wrong order": {
      said: (ahead) => [...ahead].reverse(),
      seen: { sender: "receiver_unproved", receiver: "auth_fail" },
    },
    "all but the last": {
      said: (ahead) => ahead.slice(0, -1),
      seen: { sender: "frame_refused", receiver: "frame_refused" },
    },
    "more than are allowed": {
      said: ([first = ""]) => Array<string>(messagesMax + 1).fill(first),
      seen: { sender: "limit_exceeded", receiver: "limit_exceeded" },
    },
    "in more messages than they need": {
      said: (ahead) => ahead.flatMap(oneByOne).slice(0, messagesMax + 1),
      seen: { sender: "limit_exceeded", receiver: "limit_exceeded" },
    },
  };

  test.each(["sender", "receiver"] as const)("to the %s", async (to) => {
    const often = 2 * sagaLimits.framesShownMax;
    const lab = await openLab(`ahead to the ${to}`, {
      senders: ["alice", "carol"],
      ...(to === "sender" && { earlier: (bob: Peer) => signOften(bob, often) }),
    });
    const { alice, carol, bob } = benchOf(lab);
    if (to === "receiver") await signOften(alice, often);
    const hers = (await identityFrames(carol.identity)).map(toText);
    const foreign = JSON.stringify({ type: "frames", frames: hers });
    const victim = to === "sender" ? alice : bob;
    const before = await contentsOf(victim.space);
    const seen: Record<string, string> = {};
    for (const [name, { said }] of Object.entries(cases)) {
      const { dial } = tapDial(
        lab.world.dial,
        sayingAhead(to, (ahead) => said(ahead, foreign)),
      );
      const code = await connect(lab, alice.identity, dial);
      await expectQuiet(lab);
      const atBob = bob.events.at(-1);
      seen[name] = to === "sender" ? code : (atBob?.kind === "closed" && atBob.error?.code) || "none";
      expect(await contentsOf(victim.space)).toEqual(before);
    }
    const expected = Object.entries(cases).map(([name, { seen }]) => [name, seen[to]]);
    expect(seen).toEqual(Object.fromEntries(expected));
    expect(await connect(lab, alice.identity, lab.world.dial)).toBe("none");
    await lab.world.close();
  });

  test.each(["sender", "receiver"] as const)("to the %s once it is ready: not at all", async (to) => {
    const lab = await openLab(`late to the ${to}`);
    const { alice, bob } = benchOf(lab);
    const { sender, tap, events } = tapped(lab, alice);
    await sender.connect();
    const frames = (await identityFrames(alice.identity)).map(toText);
    tap.inject(to, JSON.stringify({ type: "frames", frames }));
    const closed = () => (to === "sender" ? events : bob.events).find(({ kind }) => kind === "closed");
    expect(await eventually(() => closed() !== undefined)).toBe(true);
    expect(closed()).toMatchObject({ error: { code: "out_of_turn", facts: { got: "frames" } } });
    await expectQuiet(lab);
    await lab.world.close();
  });
});

/** Holds back what goes ahead to one side; when the message it belongs to comes by, says other things instead. */
function sayingAhead(to: TapSide, instead: (ahead: readonly string[]) => readonly string[]): TapRule {
  const ahead: string[] = [];
  return ({ to: side, message }) => {
    if (side !== to) return [message];
    const name = nameOf(message);
    if (name === "frames") ahead.push(String(message));
    if (name === "frames") return [];
    return name === "challenge" || name === "connect" ? [...instead(ahead), message] : [message];
  };
}

function oneByOne(text: string): readonly string[] {
  const { type, frames } = Frames.parse(JSON.parse(text));
  return frames.map((frame) => JSON.stringify({ type, frames: [frame] }));
}

test("a connect with other frames of an identity than those known is refused (threat 13)", () =>
  signsTwice(async () => {
    const lab = await openLab("forked");
    const { platform, world } = lab;
    const secret = platform.random.bytes(32);
    const recoverySecret = platform.random.bytes(32);
    const { space, address } = await createIdentity({
      ...{ space: new InnerSpace(), secret, recoverySecret, platform },
    });
    const copies = [await copyOf(space, address), await copyOf(space, address)];
    const meet = async (of: Space) => {
      const home = await openIdentity({ space: of, secret, platform });
      const code = await connect(lab, home, world.dial);
      const closed = world.receiver.events.at(-1);
      return { home, outcome: [code, closed?.kind === "closed" && closed.error?.code] };
    };
    const { home } = await meet(space);
    const before = await contentsOf(world.receiver.space);
    expect((await meet(copies[0]!)).outcome).toEqual(["auth_fail", "duplicity"]);
    expect(await contentsOf(world.receiver.space)).toEqual(before);

    // Further back than the newest: its lane is none that is known.
    await delegate(home, "0");
    expect(await connect(lab, home, world.dial)).toBe("none");
    expect((await meet(copies[1]!)).outcome).toEqual(["auth_fail", "auth_fail"]);
    await world.close();
  }));

test("a restored backup goes on with a new lane, and the old one signs no more (threats 5, 14)", async () => {
  const lab = await openLab("backup");
  const { platform, world } = lab;
  const secret = platform.random.bytes(32);
  const recoverySecret = platform.random.bytes(32);
  const identity = await createIdentity({ space: new InnerSpace(), secret, recoverySecret, platform });
  expect(await connect(lab, identity, world.dial)).toBe("none");
  const backup = await copyOf(identity.space, identity.address);
  expect(await connect(lab, identity, world.dial)).toBe("none");
  expect(await connect(lab, identity, world.dial)).toBe("none");

  const restored = await openIdentity({ space: backup, secret });
  const journals = await backup.cells("journal/keystone.lane");
  expect(journals).toHaveLength(1);
  expect(await connect(lab, restored, world.dial)).toBe("none");
  expect(await connect(lab, restored, world.dial)).toBe("none");
  const after = await backup.cells("journal/keystone.lane");
  expect(after).toEqual(expect.arrayContaining([...journals]));
  expect(after).toHaveLength(2);
  await world.close();
});

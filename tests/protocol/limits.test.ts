import { describe, expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import { type IbGib, type RecordText, sealRecord, toText } from "../../src/ibgib/index.js";
import {
  foundReceiverSession,
  foundSenderSession,
  startReceiverSession,
  startSenderSession,
} from "../../src/keystone/index.js";
import { createReceiver, createSender, type Identity, openIdentity } from "../../src/peer/index.js";
import { showChain } from "../../src/saga/chain-shown.js";
import {
  type AttestedFrames,
  afterMovement,
  awaitSaga,
  type Caps,
  type Dialogue,
  evidenceFrame,
  noContent,
  RangeSet,
  readPayload,
  recordsFrame,
  type SessionLimits,
  sagaLimits,
  sessionLimits,
  signTurn,
  startPace,
  stepReceiverSaga,
  TurnFromSender,
  tallyPayload,
} from "../../src/saga/index.js";
import { NewerShown } from "../../src/saga/messages.js";
import { startDialogue } from "../../src/saga/turn.js";
import { InnerSpace } from "../../src/space/index.js";
import { tapDial } from "../../src/testing/index.js";
import { createInnerspace, type Dial, type Message } from "../../src/transport/index.js";
import { followLane } from "../../src/saga/check-connect.js";
import { Person } from "../saga/commits.js";
import { signOften } from "../scenarios/turns.js";
import { copyOf } from "./copies.js";
import { delegate } from "./delegations.js";
import { nameOf } from "./faults.js";
import { codeOf, contentsOf, expectQuiet, type Lab, openLab, tapped } from "./lab.js";
import { benchOf, tell } from "./matrix.js";
import { newIdentity, stranger } from "./parties.js";
import { eventually } from "../waiting.js";
import { turnTime } from "../turn-time.js";

/** For each limit of the protocol and of a session: a test that goes beyond it, and what comes of it. */
const limits: Readonly<Record<keyof typeof sagaLimits | keyof SessionLimits, () => Promise<void> | void>> = {
  messageBytesMax: async () => {
    const inBytes = { type: "open", nonce: "\u6f22".repeat(sagaLimits.messageBytesMax / 3 + 1) };
    await expectRefused(inBytes, "limit_exceeded");
    await expectRefused({ type: "open", nonce: "x".repeat(sagaLimits.messageBytesMax) }, "limit_exceeded");
  },
  payloadBytesMax: () => {
    const frame = new Uint8Array(sagaLimits.payloadBytesMax + 1).fill(1, 0, 1);
    expect(codeFrom(() => readPayload(frame))).toBe("limit_exceeded");
  },
  payloadRecordsMax: () => {
    const most = stones(sagaLimits.payloadRecordsMax);
    expect(readPayload(recordsFrame(most)).records).toHaveLength(most.length);
    const frame = recordsFrame(stones(sagaLimits.payloadRecordsMax + 1));
    expect(codeFrom(() => readPayload(frame))).toBe("limit_exceeded");
  },
  framesShownMax: async () => {
    const frame = ["", "", "", ""];
    const proof = { lane: frame, voucher: "00".repeat(64), frame };
    const identityFrames = Array(sagaLimits.framesShownMax + 1).fill(frame);
    await expectRefused({ type: "connect", identityFrames, laneFrames: [], proof }, "malformed_message");
  },
  newerFramesMax: async () => {
    const shown = await shownNewer("a");
    expect(shown.map(({ length }) => length)).toEqual([sagaLimits.newerFramesMax, 4, 0]);
    const frame = ["", "", "", ""];
    const identityFrames = Array(sagaLimits.newerFramesMax).fill(frame);
    expect(NewerShown.safeParse({ identityFrames, lanes: [] }).success).toBe(true);
    identityFrames.push(frame);
    expect(NewerShown.safeParse({ identityFrames, lanes: [] }).success).toBe(false);
    expect(NewerShown.safeParse({ identityFrames: [], lanes: identityFrames }).success).toBe(false);
  },
  newerCharsMax: async () => {
    for (const frames of await shownNewer("b"))
      expect(JSON.stringify(frames).length).toBeLessThanOrEqual(sagaLimits.newerCharsMax);
  },
  // How a chain is dealt out is its speaker's choice, as with long lists.
  framesCharsMax: () => {
    const long = Array.from({ length: 10 }, (_, i) =>
      sealRecord({ ib: "frame", data: { i, text: "x".repeat(40_000) } }),
    );
    const { ahead, shown } = showChain(long, sessionLimits);
    const parts = [...ahead.map(({ frames }) => frames), shown];
    expect(parts.flat()).toEqual(long.map(toText));
    expect(parts.map((part) => part.length)).toEqual([4, 4, 2]);
    for (const part of parts)
      expect(JSON.stringify(part).length).toBeLessThanOrEqual(sagaLimits.framesCharsMax);
  },
  entriesMax: () => {
    const part = Array<number>(sagaLimits.entriesMax / 4).fill(0);
    let dialogue = newDialogue(caps);
    const addPart = () => {
      dialogue = tallyPayload(dialogue, "sender", Uint8Array.of(2), { ...noContent, entries: part });
    };
    for (let i = 0; i < 4; i++) addPart();
    expect(codeFrom(addPart)).toBe("limit_exceeded");
  },
  // Where a list travels, and in what parts, is its speaker's choice: beyond these it does not ride in its turn.
  entriesCharsMax: async () => {
    const long = `stone ${"x".repeat(450)}`;
    const perEntry = 2 * (long.length + 65) + '{"address":"","tip":"","n":0},'.length;
    const most = Math.floor((sagaLimits.entriesCharsMax - 2) / perEntry);
    expect(await partsOf(most, long)).toEqual([]);
    const [full = 0, ...rest] = await partsOf(2 * most + 2, long);
    expect(full * perEntry).toBeLessThanOrEqual(sagaLimits.entriesCharsMax + perEntry);
    expect(rest.reduce((sum, part) => sum + part, full)).toBe(2 * most + 2);
  },
  locatorMax: () => {
    const { address } = stones(1)[0]!;
    const locator = Array(sagaLimits.locatorMax).fill(address);
    const ask = { type: "ask", saga: "00".repeat(16), turn: 3, entries: [{ address, locator }] };
    expect(TurnFromSender.safeParse(ask).success).toBe(true);
    locator.push(address);
    expect(TurnFromSender.safeParse(ask).success).toBe(false);
  },
  entryPathMax: () => {
    expect(sagaLimits.entryPathMax).toBe(Math.ceil(Math.log2(sagaLimits.entriesMax)));
    expect(readPayload(evidenceFrame([listed(1, sagaLimits.entryPathMax)])).evidence).toHaveLength(1);
    const frame = evidenceFrame([listed(1, sagaLimits.entryPathMax + 1)]);
    expect(codeFrom(() => readPayload(frame))).toBe("malformed_message");
  },
  framesProvedMax: () => {
    const most = evidenceFrame([listed(sagaLimits.framesProvedMax, sagaLimits.entryPathMax)]);
    expect(readPayload(most).evidence).toHaveLength(1);
    const frame = evidenceFrame([listed(sagaLimits.framesProvedMax + 1, 0)]);
    expect(codeFrom(() => readPayload(frame))).toBe("malformed_message");
  },
  // Which of the frames that came with a newer one are remembered.
  unusedFramesMax: () => {
    const { unused } = followedTo(sagaLimits.unusedFramesMax + 3);
    expect(unused).toHaveLength(sagaLimits.unusedFramesMax);
    expect(unused.at(-1)?.n).toBe(sagaLimits.unusedFramesMax + 2);
  },
  referencesMax: () => {
    const references = stones(100).map(({ address }) => address);
    const part = Array.from({ length: sagaLimits.referencesMax / 4 }, (_, at) => references[at % 100]!);
    let dialogue = newDialogue(caps);
    const addPart = () => {
      dialogue = tallyPayload(dialogue, "sender", Uint8Array.of(4), { ...noContent, references: part });
    };
    for (let i = 0; i < 4; i++) addPart();
    expect(codeFrom(addPart)).toBe("limit_exceeded");
  },
  evidenceMax: () => {
    const part = Array<RecordText>(sagaLimits.evidenceMax / 4).fill(["context", "", "", ""]);
    let dialogue = newDialogue(caps);
    const addPart = () => {
      dialogue = tallyPayload(dialogue, "sender", Uint8Array.of(3), { ...noContent, evidence: part });
    };
    for (let i = 0; i < 4; i++) addPart();
    expect(codeFrom(addPart)).toBe("limit_exceeded");
  },
  nonceBytes: () => expectRefusedOpen({ nonce: "00".repeat(sagaLimits.nonceBytes + 1) }),
  audienceLengthMax: () => expectRefusedOpen({ audience: "x".repeat(sagaLimits.audienceLengthMax + 1) }),

  handshakeTimeoutMs: async () => {
    const { lab, dial, codes } = await answering({}, { time: turnTime(1) });
    const silent = await stranger(dial);
    expect(await eventually(silent.isOver)).toBe(true);
    expect(codes()).toEqual(["handshake_timeout"]);
    await expectQuiet(lab);
  },
  chainFramesMax: async () => {
    const own = { chainFramesMax: sagaLimits.framesShownMax };
    const { lab, dial, codes } = await answering(own);
    const { alice } = benchOf(lab);
    await signOften(alice, own.chainFramesMax);
    const connect = async (limits: Partial<SessionLimits>) => {
      const { platform, world } = lab;
      const { identity } = alice;
      const sender = createSender({ identity, dial, audience: world.audience, platform, limits });
      const code = await codeOf(sender.connect());
      await sender.disconnect();
      return code;
    };
    const before = await contentsOf(alice.space);
    expect(await connect(own)).toBe("limit_exceeded");
    expect(await contentsOf(alice.space)).toEqual(before);
    expect(await connect({})).toBe("auth_fail");
    expect(codes()).toEqual(["auth_fail", "limit_exceeded"]);
    expect(codeFrom(() => showChain(stones(own.chainFramesMax + 1), own))).toBe("limit_exceeded");
    await expectQuiet(lab);
  },
  turnTimeoutMs: async () => {
    const { lab, dial, codes } = await answering({ turnTimeoutMs: 10_000 }, { time: turnTime(1) });
    const { alice } = benchOf(lab);
    const roots = await tell("note", benchOf(lab), alice);
    const { world } = lab;
    const lossy = { ...lab, world: { ...world, dial } };
    const { sender } = tapped(lossy, alice, ({ message }) => (nameOf(message) === "commit" ? [] : [message]));
    expect(await codeOf(sender.sync(roots))).toBe("turn_timeout");
    expect(codes()).toEqual(["turn_timeout"]);
    await expectQuiet(lab);
  },
  payloadBytesPerSecondMin: () => {
    const limits = { ...sessionLimits, payloadBytesPerSecondMin: 1_000 };
    const after = (bytes: number) => afterMovement(startPace(0, limits), bytes, 1, limits).deadline;
    expect([after(9_999), after(10_000)]).toEqual([limits.turnTimeoutMs, limits.turnTimeoutMs + 1]);
  },
  idleTimeoutMs: async () => {
    const { lab, dial, codes } = await answering({ idleTimeoutMs: 5_000 }, { time: turnTime(1) });
    const { sender } = tapped({ ...lab, world: { ...lab.world, dial } }, benchOf(lab).alice);
    await sender.connect();
    expect(await eventually(() => codes().length > 0)).toBe(true);
    expect(codes()).toEqual(["turn_timeout"]);
    await expectQuiet(lab);
  },
  recordsMax: () => expectCapped({ recordsMax: 2 }, { records: 2 }),
  bytesMax: () => expectCapped({ bytesMax: 300 }, { bytes: 300 }),
  turnsMax: async () => {
    await expectCapped({ turnsMax: 1 }, {});
    const speaker = newDialogue({ ...caps, turns: 0 });
    expect(
      codeFrom(() =>
        signTurn(speaker, "sender", { type: "init", saga: "00".repeat(16), direction: "both" }, secretFor),
      ),
    ).toBe("limit_exceeded");
  },
  commitsMax: async () => {
    const { lab, dial, codes } = await answering({ commitsMax: 1 });
    const { alice } = benchOf(lab);
    const roots = await tell("note", benchOf(lab), alice);
    const world = { ...lab.world, dial };
    const senders = [0, 1].map(() => tapped({ ...lab, world }, alice).sender);
    await Promise.all(senders.map((sender) => sender.connect()));
    const ends = await Promise.all(senders.map((sender) => codeOf(sender.sync(roots))));
    await Promise.all(senders.map((sender) => sender.disconnect()));
    expect(ends.filter((code) => code === "tip_moved")).toHaveLength(1);
    expect(codes()).toContain("tip_moved");
  },
  partBytes: async () => {
    const lab = await openLab("parts");
    const { alice } = benchOf(lab);
    const { audience, dial } = lab.world;
    const tap = tapDial(dial);
    const options = { identity: alice.identity, audience, platform: lab.platform } as const;
    const sender = createSender({ ...options, dial: tap.dial, limits: { partBytes: 2_500 } });
    const text = "x".repeat(1_000);
    const stones = [0, 1, 2, 3, 4].map((at) => alice.stone("stone", { data: { at, text } }));
    await sender.sync(await Promise.all(stones));
    await sender.disconnect();
    expect(tap.said.filter(({ message }) => nameOf(message) === "commit")).toHaveLength(3);
  },
  deltaBytes: async () => {
    const { lab, dial } = await answering({});
    const { alice } = benchOf(lab);
    const roots = await tell("big", benchOf(lab), alice);
    const tap = tapDial(dial);
    const { identity } = alice;
    const options = {
      identity,
      audience: lab.world.audience,
      access: "open",
      platform: lab.platform,
    } as const;
    const sender = createSender({ ...options, dial: tap.dial, limits: { deltaBytes: 300_000 } });
    await sender.sync(roots);
    await sender.disconnect();
    const up = tap.said.filter(({ to }) => to === "receiver").map(({ message }) => nameOf(message));
    expect(up.filter((name) => name === "records" || name === "delta")).toEqual([
      "records",
      "records",
      "delta",
      "records",
      "records",
      "delta",
      "records",
    ]);
  },
  rangesMax: () => {
    const nodes = Array.from({ length: 16 }, () => "");
    const ranges = (count: number) => ({
      type: "ranges",
      saga: "00".repeat(16),
      turn: 3,
      entries: Array.from({ length: count }, (_, i) => ({ at: i.toString(16).padStart(4, "0"), nodes })),
    });
    expect(TurnFromSender.safeParse(ranges(sagaLimits.rangesMax)).success).toBe(true);
    expect(TurnFromSender.safeParse(ranges(sagaLimits.rangesMax + 1)).success).toBe(false);
  },
  setsMax: async () => {
    const set = await RangeSet.of([]);
    let state = awaitSaga(sessionLimits, 0);
    for (let place = 1; state.kind !== "failed"; place += 2) {
      expect(place).toBeLessThan(2 * sagaLimits.setsMax + 2);
      const of = `folder^${place.toString(16).toUpperCase().padStart(64, "0")}`;
      const message = { type: "ranges", saga: "00", turn: place, of, root: "" };
      state = stepReceiverSaga(state, { kind: "ranges", turn: { message } as never, now: 0 }).state;
      if (state.kind === "loadingSet")
        state = stepReceiverSaga(state, { kind: "setLoaded", set, now: 0 }).state;
    }
    expect(state.error).toMatchObject({ code: "limit_exceeded", facts: { limit: "setsMax" } });
  },
  comparedMin: async () => {
    const lab = await openLab("compared");
    const { alice } = benchOf(lab);
    const folder = await alice.timeline("folder");
    for (let i = 1; i < 5; i++) await alice.timeline("file", { within: folder });
    for (const [comparedMin, compares] of [
      [5, true],
      [6, false],
    ] as const) {
      const tap = tapDial(lab.world.dial);
      const { audience } = lab.world;
      const sender = createSender({
        identity: alice.identity,
        dial: tap.dial,
        audience,
        limits: { comparedMin },
      });
      await sender.sync([folder]);
      await sender.disconnect();
      expect(tap.said.some(({ message }) => nameOf(message) === "ranges")).toBe(compares);
    }
    await lab.world.close();
  },
  unaskedMax: async () => {
    for (const [count, asked] of [
      [sessionLimits.unaskedMax, false],
      [sessionLimits.unaskedMax + 1, true],
    ] as const) {
      const lab = await openLab(`unasked ${count}`);
      const { alice } = benchOf(lab);
      const leaf = await Promise.all(
        Array.from({ length: count }, (_, i) => alice.stone("leaf", { data: { i } })),
      );
      const root = await alice.stone("root", { rel8ns: { leaf } });
      const { sender, tap } = tapped(lab, alice);
      await sender.sync([root]);
      await sender.disconnect();
      expect(tap.said.some(({ message }) => nameOf(message) === "offer")).toBe(asked);
    }
  },
};

describe("beyond each limit there is a typed error (threat 11)", () => {
  test.each(Object.entries(limits))("%s", async (_, cross) => {
    await cross();
  });
});

const caps: Caps = { records: 1e6, bytes: 1e9, turns: 100 };
const secret = new Uint8Array(32).fill(7);
const secretFor = () => secret;

function stones(count: number): IbGib[] {
  return Array.from({ length: count }, (_, i) => sealRecord({ ib: "stone", data: { i } }));
}

/** A dialogue whose keystones are fresh, as both sides have it. */
function newDialogue(allowed: Caps): Dialogue {
  const address = stones(1)[0]!.address;
  const nonce = new Uint8Array(32).fill(1);
  const s = { lane: address, receiver: address, audience: "ws://a", caps: allowed };
  const r = { sender: address, session: address, receiver: address };
  return startDialogue(
    startSenderSession(foundSenderSession(nonce, s, secretFor)).keystone,
    startReceiverSession(foundReceiverSession(nonce, r, secretFor)).keystone,
    allowed,
  );
}

/** An item of evidence with so many frames, and paths of this length. */
function listed(frames: number, pathLength: number): AttestedFrames {
  const { address } = sealRecord({ ib: "note", data: { isTjp: true } });
  const path = Array<string>(pathLength).fill("00".repeat(32));
  const place = { entry: { tjp: address, frame: address }, index: 0, path };
  const signature = "00".repeat(64);
  return { session: address, saga: "00".repeat(16), count: 1, signature, frames: Array(frames).fill(place) };
}

/** A lane as a receiver has followed it, whose frames have all come with the last one. */
function followedTo(frames: number) {
  const [alice, bob] = [new Person("alice"), new Person("bob")];
  const lane = alice.laneTo(bob);
  const session = (n: number) => `keystone.session^${String(n).padStart(64, "0")}`;
  for (let n = 1; n <= frames; n++) lane.add({ verb: "vouch", target: session(n), scope: bob.address });
  return followLane(undefined, lane.frames, bob.address).lane;
}

function codeFrom(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (thrown) {
    return thrown instanceof KeysagaError ? thrown.code : String(thrown);
  }
}

/** The frames of its identity that a home is shown, in each challenge, which was put back to before twelve of them. */
async function shownNewer(seed: string): Promise<readonly (readonly RecordText[])[]> {
  const lab = await openLab(`newer ${seed}`);
  const { world, platform } = lab;
  const secret = platform.random.bytes(32);
  const home = await newIdentity(lab, new InnerSpace(), secret);
  const shown: (readonly RecordText[])[] = [];
  const connect = async (identity: Identity) => {
    const { dial } = tapDial(world.dial, ({ message }) => {
      if (nameOf(message) === "challenge")
        shown.push(JSON.parse(JSON.parse(String(message)).body).newer?.identityFrames ?? []);
      return [message];
    });
    const sender = createSender({ identity, dial, audience: world.audience, platform });
    const code = await codeOf(sender.connect());
    await sender.disconnect();
    return code;
  };
  await connect(home);
  const space = await copyOf(home.space, home.address);
  for (let n = 0; n < sagaLimits.newerFramesMax + 4; n++) await delegate(home, String(n));
  await connect(home);
  shown.length = 0;
  expect(await connect(await openIdentity({ space, secret, platform, signUnconfirmed: true }))).toBe("none");
  await expectQuiet(lab);
  return shown;
}

/** A receiver with limits of its own, and the codes that its sessions ended with. */
async function answering(
  own: Partial<SessionLimits>,
  options: Pick<Parameters<typeof openLab>[1] & object, "time"> = {},
) {
  const lab = await openLab(`limits ${JSON.stringify(own)}`, options);
  const { platform, world } = lab;
  const { listen, dial } = createInnerspace(platform);
  const errors: string[] = [];
  const receiver = await createReceiver({
    identity: await newIdentity(lab),
    audiences: [world.audience],
    admission: { kind: "open" },
    platform,
    limits: own,
    onEvent: (event) => {
      if (event.kind === "closed") errors.push(event.error?.code ?? "none");
    },
  });
  listen((connection) => receiver.accept(connection));
  return { lab, dial, codes: () => errors };
}

/** A stranger's message ends the session with `code` there, and tells nothing. */
async function expectRefused(message: object, code: string): Promise<void> {
  const { lab, dial, codes } = await answering({});
  const eve = await stranger(dial);
  eve.say(message);
  expect(await eventually(eve.isOver)).toBe(true);
  expect(codes()).toEqual([code]);
  expect(eve.heard.slice(1)).toEqual(['{"type":"error","code":"auth_fail"}']);
  await expectQuiet(lab);
}

async function expectRefusedOpen(wrong: object): Promise<void> {
  const lab: Lab = await openLab("an open");
  const { tap, sender } = tapped(lab, benchOf(lab).alice);
  await sender.connect();
  await sender.disconnect();
  const open = JSON.parse(String(tap.said.find(({ message }) => nameOf(message) === "open")?.message));
  await expectRefused({ ...open, ...wrong }, "malformed_message");
}

/** A sender keeps to its own limit, and a receiver takes no session that would go beyond its own. */
async function expectCapped(own: Partial<SessionLimits>, allowed: Partial<Caps>): Promise<void> {
  const { lab, dial, codes } = await answering(own);
  const { alice } = benchOf(lab);
  const roots = await tell("note", benchOf(lab), alice);
  const sync = async (to: Dial, limited: Partial<SessionLimits>) => {
    const { platform, world } = lab;
    const sender = createSender({
      identity: alice.identity,
      dial: to,
      audience: world.audience,
      platform,
      limits: limited,
    });
    const code = await codeOf(sender.sync(roots));
    await sender.disconnect();
    return code;
  };
  expect(await sync(lab.world.dial, own)).toBe("limit_exceeded");
  const { space } = lab.world.receiver;
  const there = await space.hasMany(roots);
  const come = roots.filter((_, at) => there[at]); // in parts that fit
  expect(await space.missing(come, "anyone")).toEqual([]);
  const pinned = await alice.space.cells("pin/");
  await alice.space.commit({
    holder: alice.address,
    sight: { holders: [] },
    cells: pinned.map(({ key, value }) => ({ key, from: value, to: undefined })),
  });
  expect(await sync(dial, {})).toBe("auth_fail");
  expect(codes()).toEqual(["limit_exceeded"]);

  if (Object.keys(allowed).length === 0) return;
  const content = { ...noContent, records: stones(9) };
  const frame = recordsFrame(content.records);
  const dialogue = newDialogue({ ...caps, ...allowed });
  expect(codeFrom(() => tallyPayload(dialogue, "sender", frame, content))).toBe("limit_exceeded");
}

/** How many entries each payload frame of an `init` over so many stones has; none where the list rides in it. */
async function partsOf(count: number, ib: string): Promise<readonly number[]> {
  const lab = await openLab(`parts of ${count}`);
  const { alice } = benchOf(lab);
  const made = Array.from({ length: count }, (_, i) => alice.stone(ib, { data: { i } }));
  const { sender, tap } = tapped(lab, alice);
  await sender.sync(await Promise.all(made), { direction: "push" });
  await sender.disconnect();
  const init = tap.said.findIndex(({ message }) => nameOf(message) === "init");
  return tap.said
    .slice(0, init)
    .flatMap(({ to, message }) =>
      to === "receiver" && nameOf(message) === "entries"
        ? [readPayload(bytesOf(message)).entries.length]
        : [],
    );
}

function bytesOf(message: Message): Uint8Array {
  return typeof message === "string" ? new Uint8Array() : message;
}

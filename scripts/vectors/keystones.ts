/** Vectors of keystones: a good chain of each kind, and last frames that have to be refused. */
import { ed25519PublicKey, sha256, toHex, utf8 } from "../../src/base/index.js";
import { type Address, type IbGib, type RecordText, sealRecord, toText } from "../../src/ibgib/index.js";
import {
  advance,
  checkFrame,
  checkIdentityFrames,
  foundIdentity,
  foundLane,
  foundReceiverSession,
  foundSenderSession,
  type KeystoneState,
  type NextFrameOptions,
  nextFrame,
  signFrame,
  startIdentity,
  startLane,
  startReceiverSession,
  startSenderSession,
} from "../../src/keystone/index.js";
import { ruleOf } from "./records.js";

const bytesFrom = (seed: string) => sha256(utf8(seed));
const secretFor = () => bytesFrom("a secret");
const [target, other] = ["00".repeat(32), "11".repeat(32)];

/** The frames of a keystone that says all of this, one after the other. */
function chain(first: IbGib, state: KeystoneState, said: readonly NextFrameOptions[]): readonly IbGib[] {
  const frames = [first];
  for (const options of said) {
    const frame = signFrame(nextFrame(state, options, secretFor), state, secretFor);
    frames.push(frame);
    state = advance(state, frame).state;
  }
  return frames;
}

function identity() {
  const secrets = { secret: secretFor(), recoverySecret: bytesFrom("a recovery secret") };
  return foundIdentity(bytesFrom("identity"), secrets);
}

/** Everybody is one identity here: what a vector shows is the chain. */
function cast() {
  const i = identity();
  const l = foundLane(bytesFrom("lane"), { delegator: i.address, receiver: i.address }, secretFor);
  const caps = { records: 100, bytes: 1000, turns: 10 };
  const of = { lane: l.address, receiver: i.address, audience: "wss://sync.example.org", caps };
  const s = foundSenderSession(bytesFrom("S"), of, secretFor);
  const names = { sender: i.address, session: s.address, receiver: i.address };
  const r = foundReceiverSession(bytesFrom("R"), names, secretFor);
  const key = toHex(ed25519PublicKey(bytesFrom("host key")));
  const [certify, retire] = [
    { verb: "delegate", target: key, details: { hostKeys: [key] } },
    { verb: "revoke", target: key, details: { hostKeys: [] } },
  ];
  const turn: Address = sealRecord({ ib: "context", data: { turn: 1 } }).address;
  return {
    identity: chain(i, startIdentity(i).keystone, [{ verb: "delegate", target: l.address }, certify, retire]),
    lane: chain(l, startLane(l).keystone, [{ verb: "vouch", target: s.address, scope: i.address }]),
    sender: chain(s, startSenderSession(s).keystone, [
      { verb: "connect", target, demanded: [3, 1] },
      { verb: "sync", target: turn },
    ]),
    receiver: chain(r, startReceiverSession(r).keystone, [
      { verb: "challenge", target },
      { verb: "sync", target: turn },
    ]),
  };
}
type Kind = keyof ReturnType<typeof cast>;

const starts: Readonly<Record<Kind, (first: IbGib) => KeystoneState>> = {
  identity: (first) => startIdentity(first).keystone,
  lane: (first) => startLane(first).keystone,
  sender: (first) => startSenderSession(first).keystone,
  receiver: (first) => startReceiverSession(first).keystone,
};

function replay(kind: Kind, [first, ...later]: readonly IbGib[]): void {
  if (!first) throw new Error("a chain has a genesis");
  if (kind === "identity") return void checkIdentityFrames(startIdentity(first), later);
  later.reduce((state, frame) => checkFrame(state, frame).state, starts[kind](first));
}

type Data = Readonly<Record<string, unknown>> & {
  readonly proofs: readonly Proof[];
  readonly pools: readonly Pool[];
};
interface Proof {
  readonly claim: Readonly<Record<string, unknown>>;
  readonly solutions: readonly Readonly<Record<string, unknown>>[];
}
interface Pool {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly used: number;
  readonly open: unknown;
}

/** A frame that says something else, with the gib that goes with it: nobody but the holder of its keys has signed that. */
function altered({ ib, data, rel8ns }: IbGib, change: (data: Data) => object): IbGib {
  return sealRecord({ ib, rel8ns, data: JSON.parse(JSON.stringify({ ...data, ...change(data as Data) })) });
}

const withProof = (frame: IbGib, change: (proof: Proof) => object) =>
  altered(frame, ({ proofs: [proof] }) => ({ proofs: [{ ...proof, ...(proof && change(proof)) }] }));
const withSolution = (frame: IbGib, change: object) =>
  withProof(frame, ({ solutions: [solution, ...more] }) => ({
    solutions: [{ ...solution, ...change }, ...more],
  }));
const withPool = (frame: IbGib, change: (pool: Pool) => object) =>
  altered(frame, ({ pools: [pool, ...more] }) => ({
    pools: [{ ...pool, ...(pool && change(pool)) }, ...more],
  }));

export function keystones() {
  const good = cast();
  const last = (kind: Kind) => good[kind].at(-1)!;
  const [genesis, second] = good.identity as [IbGib, IbGib];
  const [s0, s1] = good.sender as [IbGib, IbGib];
  const bad: [why: string, kind: Kind, frames: readonly IbGib[]][] = [
    [
      "a pool that is not of this version",
      "identity",
      [withPool(genesis, ({ config }) => ({ config: { ...config, verbs: ["manage"] } }))],
    ],
    ["a pool less", "identity", [altered(genesis, ({ pools }) => ({ pools: pools.slice(1) }))]],
    ["a member more", "lane", [altered(good.lane[0]!, () => ({ more: true }))]],
    [
      "an attest key of small order",
      "lane",
      [withDetails(good.lane[0]!, { attestKey: `01${"00".repeat(31)}` })],
    ],
    ["a frame that is left out", "identity", good.identity.filter((frame) => frame !== second)],
    ["another number", "identity", [genesis, altered(second, () => ({ n: 2 }))]],
    [
      "another claim under the same signature",
      "identity",
      [
        genesis,
        withProof(second, ({ claim }) => ({ claim: { ...claim, target: last("receiver").address } })),
      ],
    ],
    ["another signature", "identity", [genesis, withSolution(second, { signature: "00".repeat(64) })]],
    ["a key that nothing commits to", "identity", [genesis, withSolution(second, { publicKey: other })]],
    ["another index", "identity", [genesis, withSolution(second, { index: 1 })]],
    [
      "a key that was spent",
      "identity",
      [...good.identity.slice(0, 2), withSolution(good.identity[2]!, { index: 0 })],
    ],
    ["a pool that counts no key as spent", "identity", [genesis, withPool(second, () => ({ used: 0 }))]],
    [
      "another commitment to the next key",
      "identity",
      [genesis, withPool(second, () => ({ open: [{ index: 1, commitment: other }] }))],
    ],
    [
      "a pool that nothing is done with yet",
      "identity",
      chain(genesis, startIdentity(genesis).keystone, [{ verb: "manage", target: second.address }]),
    ],
    [
      "a verb of another pool",
      "lane",
      [good.lane[0]!, withProof(good.lane[1]!, ({ claim }) => ({ claim: { ...claim, verb: "sync" } }))],
    ],
    [
      "a host key that is not listed",
      "identity",
      [genesis, second, altered(good.identity[2]!, () => ({ details: { hostKeys: [] } }))],
    ],
    ["details outside an identity", "lane", [good.lane[0]!, altered(good.lane[1]!, () => ({ details: {} }))]],
    [
      "one demanded key of two",
      "sender",
      [s0, withProof(s1, ({ solutions }) => ({ demanded: [1], solutions: solutions.slice(0, 1) }))],
    ],
    [
      "demanded keys that do not rise",
      "sender",
      [s0, withProof(s1, ({ solutions }) => ({ demanded: [3, 1], solutions: solutions.toReversed() }))],
    ],
    ["a proof by no solution", "sender", [s0, withProof(s1, () => ({ solutions: [] }))]],
  ];
  return {
    good: Object.entries(good).map(([kind, frames]) => ({ kind, frames: frames.map(toText) })),
    bad: bad.map(([why, kind, frames]) => ({
      why,
      kind,
      rule: ruleOf(() => replay(kind, frames)),
      frames: frames.map((frame): RecordText => toText(frame)),
    })),
  };
}

function withDetails(frame: IbGib, change: object): IbGib {
  return altered(frame, ({ details }: Data & { details?: object }) => ({
    details: { ...details, ...change },
  }));
}

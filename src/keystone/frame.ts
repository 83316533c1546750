import * as z from "zod";
import {
  assert,
  canonicalJson,
  fromUtf8,
  type JsonObject,
  KeysagaError,
  lengthPrefixed,
  parseCanonicalJson,
  sha256,
  toHex,
  utf8,
} from "../base/index.js";
import { type Address, encodeWithoutGib, type IbGib, isAddress, sealRecord } from "../ibgib/index.js";
import { nonceLength } from "./derive.js";
import { oneTimeKey } from "./key-ring.js";
import { keystoneLimits as limits } from "./limits.js";
import { ChallengeIndex, freshPool, Name, Pool, type PoolSpec, type SecretFor } from "./pool.js";
import {
  type Ed25519Opening,
  type EmptiedEd25519,
  ed25519Opening,
  hexOf,
  type Strategy,
  strategies,
} from "./strategy.js";

export const KeystoneKind = z.enum(["identity", "lane", "session"]);
export type KeystoneKind = z.infer<typeof KeystoneKind>;

/** What a frame authorizes. `target` is an address or a hash: what is meant follows from the verb. */
export const Claim = z.strictObject({
  verb: Name,
  target: z.string().min(1).max(limits.targetLengthMax),
  scope: z.string().min(1).max(limits.targetLengthMax).exactOptional(),
});
export type Claim = Readonly<z.infer<typeof Claim>>;

/** Opens the challenge at `index`. `path` leads from there to the root of a pool that has one. */
const solutionMembers = {
  index: ChallengeIndex,
  path: z.array(hexOf(32)).max(limits.merklePathMax).exactOptional(),
  ...ed25519Opening,
};
const Solution = z.strictObject(solutionMembers);
const UnsignedSolution = z.strictObject({ ...solutionMembers, signature: z.literal("") });
export type Solution = Readonly<z.infer<typeof Solution>>;

const proofMembers = {
  claim: Claim,
  pool: Name,
  /** The ids the verifier named, rising; there exactly where the pool has that layer. */
  demanded: z.array(ChallengeIndex).min(1).max(limits.solutionsMax).exactOptional(),
};
const solutions = <Schema extends z.ZodType>(schema: Schema) =>
  z.array(schema).min(1).max(limits.solutionsMax);
const Proof = z.strictObject({ ...proofMembers, solutions: solutions(Solution) });
const UnsignedProof = z.strictObject({ ...proofMembers, solutions: solutions(UnsignedSolution) });

const pools = z
  .array(Pool)
  .min(1)
  .max(limits.poolsMax)
  .refine((list) => new Set(list.map((pool) => pool.name)).size === list.length, "names differ");

/** An object that only the policy of its kind of keystone understands; bounded as text. */
const BoundedObject = z.custom<JsonObject>(
  (value) => isObject(value) && canonicalJson(value).length <= limits.detailsLengthMax,
);

const GenesisHead = z.looseObject({
  version: z.literal(1),
  kind: KeystoneKind,
  nonce: hexOf(nonceLength),
});
const GenesisDetails = z.custom<JsonObject & z.infer<typeof GenesisHead>>(
  (value) => BoundedObject.safeParse(value).success && GenesisHead.safeParse(value).success,
);

const GenesisData = z.strictObject({
  n: z.literal(0),
  isTjp: z.literal(true),
  pools,
  proofs: z.tuple([]),
  details: GenesisDetails,
});

/** One proof a frame in this version; it is a list so that another strategy's can stand beside it. */
const laterMembers = {
  n: z.number().int().min(1).max(limits.indexMax),
  pools,
  details: BoundedObject.exactOptional(),
  revocation: BoundedObject.exactOptional(),
};
const LaterData = z.strictObject({ ...laterMembers, proofs: z.tuple([Proof]) });

const address = z.custom<Address>(isAddress);
const laterHead = {
  ib: z.templateLiteral(["keystone.", KeystoneKind]),
  rel8ns: z.strictObject({ past: z.tuple([address]), tjp: z.tuple([address]) }),
};

/** A frame after genesis as it was read: its shape is right, and nothing else is known about it. */
const LaterFrame = z.strictObject({ ...laterHead, data: LaterData });
export type LaterFrame = Readonly<z.infer<typeof LaterFrame>>;

/** A whole next frame in which only the signatures are still empty: what a signer reserves before it signs. */
const UnsignedFrame = z.strictObject({
  ...laterHead,
  data: z.strictObject({ ...laterMembers, proofs: z.tuple([UnsignedProof]) }),
});
export type UnsignedFrame = Readonly<z.infer<typeof UnsignedFrame>>;

/** @throws KeysagaError `frame_refused` where `record` has not the shape of a genesis of this kind. */
export function readGenesis(record: IbGib, kind: KeystoneKind): z.infer<typeof GenesisData> {
  if (record.ib !== `keystone.${kind}`) throw refusal("kind");
  if (record.rel8ns !== undefined) throw refusal("a genesis links nothing");
  const data = parse(GenesisData, record.data);
  if (data.details.kind !== kind) throw refusal("kind");
  return data;
}

/** @throws KeysagaError `frame_refused` where `record` has not the shape of a frame after genesis. */
export function readLaterFrame({ ib, data, rel8ns }: IbGib): LaterFrame {
  return parse(LaterFrame, { ib, data, rel8ns });
}

/** What a frame claims; for one that was checked when it was stored. */
export function claimOf(record: IbGib): Claim {
  return readLaterFrame(record).data.proofs[0].claim;
}

/** The frame with the secret part of every solution emptied. `strategy` is that of the pool it spends from. */
export function withoutSignatures(
  frame: LaterFrame,
  strategy: Pick<Strategy<never, Ed25519Opening, EmptiedEd25519>, "empty">,
): UnsignedFrame {
  const [proof] = frame.data.proofs;
  const emptied = proof.solutions.map((solution) => ({ ...solution, ...strategy.empty(solution) }));
  return { ...frame, data: { ...frame.data, proofs: [{ ...proof, solutions: emptied }] } };
}

/** What every signature of a frame signs: all of the frame but its gib and its signatures. */
export function frameDigest(frame: UnsignedFrame): Uint8Array {
  return sha256(lengthPrefixed("keysaga/frame/1", encodeWithoutGib(frame)));
}

/** The bytes under which a reserved frame is kept. */
export function encodeUnsigned(frame: UnsignedFrame): Uint8Array {
  return utf8(canonicalJson(frame));
}

/** @throws KeysagaError `frame_refused` or `json_refused` for anything that `encodeUnsigned` would not have written. */
export function decodeUnsigned(bytes: Uint8Array): UnsignedFrame {
  const text = fromUtf8(bytes);
  if (text === undefined) throw refusal("UTF-8");
  return parse(UnsignedFrame, parseCanonicalJson(text));
}

export interface GenesisOptions {
  readonly kind: KeystoneKind;
  /** 32 fresh random bytes: never the same for two keystones. */
  readonly nonce: Uint8Array;
  /** Members beside `version`, `kind` and `nonce`. */
  readonly details: JsonObject;
  readonly pools: readonly PoolSpec[];
  readonly secretFor: SecretFor;
}

/** The first frame of a keystone. Costs one key derivation and one public key for each challenge of each pool. */
export function genesis({ kind, nonce, details, pools: specs, secretFor }: GenesisOptions): IbGib {
  const data = {
    n: 0,
    isTjp: true,
    pools: specs.map((spec) => freshPool(spec.name, spec.config, commitmentsOf(spec, nonce, secretFor))),
    proofs: [],
    details: { ...details, version: 1, kind, nonce: toHex(nonce) },
  };
  assert(GenesisData.safeParse(data).success, "a genesis has the shape that replay asks for");
  return sealRecord({ ib: `keystone.${kind}`, data });
}

/** The commitments of a pool's first `size` challenges: one key derivation and one public key for each. */
export function commitmentsOf(spec: PoolSpec, nonce: Uint8Array, secretFor: SecretFor): string[] {
  const { name, config } = spec;
  const secret = secretFor(name);
  return Array.from({ length: config.size }, (_, index) =>
    strategies[config.strategy].commit(
      oneTimeKey(secret, nonce, { strategy: config.strategy, pool: name, index }),
    ),
  );
}

/** `rule` says which rule of a frame was broken; it never holds what the frame said. */
export function refusal(rule: string): KeysagaError {
  return new KeysagaError("frame_refused", { rule });
}

function parse<Value>(schema: z.ZodType<Value>, value: unknown): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const at = result.error.issues[0]?.path.join(".") ?? "";
  throw new KeysagaError("frame_refused", { rule: "shape", at });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Small keystones to test with, and the two ways to attack them: as an onlooker and as the holder of the keys. */
import { KeysagaError } from "../../src/base/index.js";
import { type IbGib, sealRecord } from "../../src/ibgib/index.js";
import { decodeUnsigned, encodeUnsigned } from "../../src/keystone/frame.js";
import {
  checkFrame,
  genesis,
  type KeystoneKind,
  type KeystoneState,
  type NextFrameOptions,
  nextFrame,
  type PoolConfig,
  type PoolSpec,
  signFrame,
  startReplay,
} from "../../src/keystone/index.js";
import { ledger, mayFork } from "../one-time/ledger.js";

export const bytesOf = (value: number) => new Uint8Array(32).fill(value);
export const secret = bytesOf(1);
export const secretFor = () => secret;

const oldest = { strategy: "ed25519-once", demanded: 0, fifo: 1 } as const;

export const syncPool: PoolSpec = {
  name: "sync",
  config: { ...oldest, verbs: ["sync"], replenish: "top-up", size: 1, commit: "list" },
};
export const connectPool: PoolSpec = {
  name: "connect",
  config: {
    strategy: "ed25519-once",
    verbs: ["connect"],
    demanded: 2,
    fifo: 0,
    replenish: "consume",
    size: 4,
    commit: "list",
  },
};
export const longPool = (size: number): PoolSpec => ({
  name: "long",
  config: {
    ...oldest,
    verbs: ["recover"],
    replenish: "consume",
    size,
    commit: size > 4 ? "merkle" : "list",
  },
});

export interface Options {
  readonly kind?: KeystoneKind;
  readonly nonce?: Uint8Array;
  readonly pools?: readonly PoolSpec[];
}

/** With the same nonce each time: what is signed from here on belongs to a keystone that is made anew. */
export function firstFrame({ kind = "session", nonce = bytesOf(2), pools }: Options = {}): IbGib {
  const details = { note: "x" };
  const first = genesis({ kind, nonce, details, pools: pools ?? [connectPool, syncPool], secretFor });
  ledger().found(`nonce ${nonce.join()}`);
  return first;
}

export function newKeystone(options: Options = {}): KeystoneState {
  return startReplay(firstFrame(options), options.kind ?? "session");
}

export function makeFrame(state: KeystoneState, options: NextFrameOptions): IbGib {
  return signFrame(nextFrame(state, options, secretFor), state, secretFor);
}

export function stepped(state: KeystoneState, options: NextFrameOptions): KeystoneState {
  return checkFrame(state, makeFrame(state, options)).state;
}

/** JSON that a test changes as it likes. */
// biome-ignore lint/suspicious/noExplicitAny: attacks write what no type allows
export type Loose = any;
export interface LooseFrame {
  ib: string;
  data: Loose;
  rel8ns: Loose;
}

/** What an onlooker can do: change a frame they saw and give it a right gib. */
export function tampered(frame: IbGib, change: (frame: LooseFrame) => void): IbGib {
  const loose: LooseFrame = structuredClone({ ib: frame.ib, data: frame.data, rel8ns: frame.rel8ns });
  change(loose);
  return sealRecord(loose);
}

/** What the holder of the keys can do: sign a frame that breaks the rules. */
export function forged(
  state: KeystoneState,
  options: NextFrameOptions,
  change: (frame: LooseFrame) => void,
): IbGib {
  const loose: Loose = structuredClone(nextFrame(state, options, secretFor));
  change(loose);
  return mayFork(() => signFrame(loose, state, secretFor));
}

/** The unsigned frame after a visit to the disk. */
export function stored(unsigned: ReturnType<typeof nextFrame>) {
  return decodeUnsigned(encodeUnsigned(unsigned));
}

export const withConfig = (spec: PoolSpec, changes: Partial<PoolConfig>): PoolSpec => ({
  name: spec.name,
  config: { ...spec.config, ...changes },
});

/** The code and rule with which `run` fails, or "accepted". */
export function outcome(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof KeysagaError)) throw thrown;
    const { code, facts } = thrown;
    return facts["rule"] === undefined ? code : `${code}: ${facts["rule"]}`;
  }
  return "accepted";
}

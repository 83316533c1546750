import { KeysagaError, sameBytes } from "../../base/index.js";
import type { Address, IbGib } from "../../ibgib/index.js";
import {
  decodeUnsigned,
  encodeUnsigned,
  type KeystoneKind,
  type KeystoneState,
  type NextFrameOptions,
  nextFrame,
  resume,
  type SecretFor,
  signFrame,
  startReplay,
  type UnsignedFrame,
} from "../../keystone/index.js";
import type { CellChange, ProofPut, Space } from "../../space/index.js";
import { pauseAfterLoss } from "./backoff.js";
import { cellKinds, readCell, sameCell } from "./cells.js";
import type { Confirmation } from "./confirmation.js";
import { underLock } from "./exclusive.js";
import { type Filing, joinFilings, nothingFiled } from "./filing.js";
import { Gate, queueTimeoutMs } from "./gate.js";
import { fileIdentity } from "./known-identities.js";
import { hasSpentLane, receiversOf } from "./old-copy.js";
import type { Platform } from "./platform.js";

/** A keystone as its signer finds it: the state to sign on, and what the journal holds of its newest frame. */
export interface Held {
  readonly state: KeystoneState;
  /** The newest frame, where it is one that was signed here and is in the journal only. */
  readonly newest: IbGib | undefined;
  /** Of an identity: frames that came from elsewhere lie behind the one in the journal, which is among them. */
  readonly isBehind?: true;
  readonly journal: Uint8Array | undefined;
  /** Set where the keystone is founded by this very request: its genesis goes into the same transaction. */
  readonly founding: IbGib | undefined;
}

/** One frame to sign. */
export interface SignRequest {
  readonly held: Held;
  readonly frame: NextFrameOptions;
}

/** What has to be durable together before any of it is signed. */
export interface SignPlan {
  readonly requests: readonly SignRequest[];
  readonly proofs?: readonly ProofPut[];
  readonly cells?: readonly CellChange[];
  readonly dropProofGroups?: readonly Address[];
}

/**
 * What a plan may ask: how keystones stand. It cannot sign, so that nobody in his turn waits for a turn of his own.
 */
export interface SignerView {
  /** A stored keystone of this home. @throws KeysagaError `store_damaged` where its frames are gone. */
  load(keystone: Address, kind: KeystoneKind): Promise<Held>;
  /** A keystone that the next request founds. */
  found(genesis: IbGib, kind: KeystoneKind): Held;
  /** The frames of a keystone behind number `after`, oldest first, the newest one included. */
  framesAfter(held: Held, after: number): Promise<readonly IbGib[]>;
}

/** What a signer is made with. */
export interface SignerOptions {
  readonly space: Space;
  /** In whose name the space keeps what is reserved. */
  readonly holder: Address;
  readonly secretFor: SecretFor;
  /** Asked before the identity's own keystone signs. */
  readonly confirmation: Confirmation;
  readonly platform: Platform;
  /** How long a call waits for its turn, in milliseconds. */
  readonly queueTimeoutMs?: number | undefined;
}

/** How often a plan is made anew when another process moved a keystone or cell first; the pauses grow to 0.25 s. */
const triesMax = 64;
/** Keystones that are remembered as they stand. */
const loadedMax = 32;

/**
 * The one place where this home's lasting keystones (identity, lanes) sign.
 *
 * A journal cell for each keystone holds its newest frame, whole, with empty signatures. It is reserved with a
 * compare-and-set that is flushed before anything is signed; signing is deterministic, so after a crash the same
 * frame comes out again, byte for byte, and the chain goes on from it. In the process callers queue; across
 * processes and tabs the compare-and-set decides, and the loser plans again on the newer frame, having signed nothing.
 * Where the platform has locks, one of them is held meanwhile, so that less is lost; nothing rests on it.
 */
export class Signer implements SignerView {
  readonly #gate: Gate;
  /** Keystones as they were loaded last: what follows from the same journal is the same. */
  readonly #loaded = new Map<Address, Held>();
  private readonly space: Space;
  private readonly secretFor: SecretFor;

  constructor(private readonly options: SignerOptions) {
    this.space = options.space;
    this.secretFor = options.secretFor;
    this.#gate = new Gate(options.platform.timers, options.queueTimeoutMs ?? queueTimeoutMs);
  }

  /**
   * Plans, reserves in one transaction and one flush, then signs.
   *
   * @param plan Called with a way to load keystones as they stand now; again, from the start, when one of them or
   *   one of the plan's cells moved. Throws to sign nothing.
   * @returns The signed frames, in the order of the requests.
   * @throws KeysagaError `queue_timeout`; `tip_unconfirmed` for a frame of the identity (see `Confirmation`);
   *   `restored_backup` or `duplicity` likewise; `keystone_moved` after too many tries; and what `plan` or the space throws. Nothing is signed then.
   */
  sign(plan: (view: SignerView) => Promise<SignPlan>): Promise<readonly IbGib[]> {
    const { holder, platform } = this.options;
    return this.#gate.run(() =>
      underLock(platform, `keysaga/signer/${holder}`, () => this.#planAndSign(plan)),
    );
  }

  async #planAndSign(plan: (view: SignerView) => Promise<SignPlan>): Promise<readonly IbGib[]> {
    const view: SignerView = {
      load: (keystone, kind) => this.load(keystone, kind),
      found: (genesis, kind) => this.found(genesis, kind),
      framesAfter: (held, after) => this.framesAfter(held, after),
    };
    for (let losses = 0; losses < triesMax; losses++) {
      if (losses > 0) await pauseAfterLoss(this.options.platform, losses);
      const signed = await this.#reserveAndSign(await plan(view));
      if (signed) return signed;
    }
    throw new KeysagaError("keystone_moved", { tries: triesMax });
  }

  async load(keystone: Address, kind: KeystoneKind): Promise<Held> {
    const journal = await this.space.cell(journalKey(keystone));
    const known = this.#loaded.get(keystone);
    const isSame = known?.state.kind === kind && sameBytes(known.journal, journal);
    const signed = isSame ? known : await this.#replay(keystone, kind, journal);
    if (!isSame) this.#remember(keystone, signed);
    return kind === "identity" ? this.#withTaken(signed) : signed;
  }

  #remember(keystone: Address, held: Held): void {
    this.#loaded.delete(keystone);
    this.#loaded.set(keystone, held);
    const [oldest] = this.#loaded.keys();
    if (this.#loaded.size > loadedMax && oldest !== undefined) this.#loaded.delete(oldest);
  }

  /**
   * The identity at the frames that came from elsewhere, where they go on from the one in the journal: so a home that was
   * put back goes on from what was signed since.
   */
  async #withTaken(signed: Held): Promise<Held> {
    const { tjp, n, tip } = signed.state;
    const { value } = await readCell(this.space, cellKinds.identity, tjp);
    if (!value || value.n <= n) return signed;
    const [[ours], genesis, newest] = await Promise.all([
      this.space.proofs(tjp, n, n + 1),
      this.space.proof(tjp),
      this.space.proof(value.tip),
    ]);
    if (!genesis || !newest) throw new KeysagaError("store_damaged", { missing: "frame" });
    if (ours?.address !== tip) return signed;
    return {
      state: resume(genesis, newest, "identity"),
      newest: undefined,
      isBehind: true,
      journal: signed.journal,
      founding: undefined,
    };
  }

  async #replay(keystone: Address, kind: KeystoneKind, journal: Uint8Array | undefined): Promise<Held> {
    const reserved = journal && decodeUnsigned(journal);
    const [genesis, parent] = await Promise.all([
      this.space.proof(keystone),
      reserved && this.space.proof(reserved.rel8ns.past[0]),
    ]);
    if (!genesis) throw new KeysagaError("store_damaged", { missing: "genesis" });
    if (!reserved)
      return { state: startReplay(genesis, kind), newest: undefined, journal, founding: undefined };
    if (!parent) throw new KeysagaError("store_damaged", { missing: "frame" });
    const before = resume(genesis, parent, kind);
    const newest = signFrame(reserved, before, this.secretFor);
    return { state: resume(genesis, newest, kind), newest, journal, founding: undefined };
  }

  /** Is this signer's secret the one that `state`'s next key comes from? Drafts a frame of `verb`; signs nothing. */
  holdsKeysOf(state: KeystoneState, verb: string): boolean {
    try {
      nextFrame(state, { verb, target: state.tjp }, this.secretFor);
      return true;
    } catch (thrown) {
      if (thrown instanceof KeysagaError && thrown.code === "wrong_solution") return false;
      throw thrown;
    }
  }

  found(genesis: IbGib, kind: KeystoneKind): Held {
    return { state: startReplay(genesis, kind), newest: undefined, journal: undefined, founding: genesis };
  }

  async framesAfter(held: Held, after: number): Promise<readonly IbGib[]> {
    const { state, founding, newest } = held;
    const frames: IbGib[] = [];
    let address = state.tip;
    for (let n = state.n; n > after; n--) {
      const inHand = [newest, founding].find((frame) => frame?.address === address);
      const frame = inHand ?? (await this.space.proof(address));
      if (!frame) throw new KeysagaError("store_damaged", { missing: "frame" });
      frames.unshift(frame);
      address = frame.rel8ns?.["past"]?.[0] ?? address;
    }
    return frames;
  }

  async #reserveAndSign({
    requests,
    proofs = [],
    cells = [],
    dropProofGroups = [],
  }: SignPlan): Promise<readonly IbGib[] | undefined> {
    for (const { held } of requests)
      if (held.state.kind === "identity" && !(await this.#maySign(held))) return undefined;
    const reserved = requests.map(({ held, frame }) => ({
      held,
      unsigned: nextFrame(held.state, frame, this.secretFor),
    }));
    const kept = joinFilings(await Promise.all(requests.map(({ held }) => this.#toKeep(held))));
    const result = await this.space.commit({
      holder: this.options.holder,
      sight: { holders: [this.options.holder] },
      proofs: [...kept.proofs, ...proofs],
      cells: [...reserved.map(journalChange), ...kept.cells, ...cells],
      dropProofGroups,
    });
    if (result.kind === "moved") return undefined;
    if (result.kind === "notClosed")
      throw new KeysagaError("internal", { what: "a reservation links nothing" });
    return reserved.map(({ held, unsigned }) => signFrame(unsigned, held.state, this.secretFor));
  }

  /**
   * Somebody has to have said that nothing newer is known, and of an old copy all who could know. Frames that do not go on
   * from the one in the journal are a fork, which nothing goes on from.
   *
   * @returns False where it has moved, and is to be looked at anew.
   */
  async #maySign(held: Held): Promise<boolean> {
    const { confirmation } = this.options;
    const { tjp, n, tip } = held.state;
    if ((await this.load(tjp, "identity")).state.tip !== tip) return false;
    const { value } = await readCell(this.space, cellKinds.identity, tjp);
    if (value && value.n > n) throw new KeysagaError("duplicity", { n });
    if (!held.isBehind && !(await hasSpentLane(this.space))) confirmation.demand();
    else confirmation.demandAll(await receiversOf(this.space, await this.framesAfter(held, -1)));
    return true;
  }

  /** The frame that the journal is about to let go of, or the genesis where this is the first. */
  async #toKeep({ state, newest, founding }: Held): Promise<Filing> {
    const record = newest ?? founding;
    if (!record) return state.kind === "identity" ? this.#asTaken(state) : nothingFiled;
    if (state.kind === "identity") return fileIdentity(this.space, state.tjp, [record]);
    return { proofs: [{ group: state.tjp, record }], cells: [] };
  }

  /** The newest frame is filed already: it has to be the newest one still. */
  async #asTaken({ tjp, tip }: KeystoneState): Promise<Filing> {
    const row = await readCell(this.space, cellKinds.identity, tjp);
    if (row.value?.tip !== tip) throw new KeysagaError("keystone_moved");
    return { proofs: [], cells: [sameCell(row)] };
  }
}

export const journalKey = (keystone: Address) => `journal/${keystone}`;

function journalChange({ held, unsigned }: { held: Held; unsigned: UnsignedFrame }): CellChange {
  return { key: journalKey(held.state.tjp), from: held.journal, to: encodeUnsigned(unsigned) };
}

import type { JsonObject } from "../../src/base/index.js";
import {
  type Address,
  createTimeline,
  type IbGib,
  mutate,
  type Patch,
  sealRecord,
} from "../../src/ibgib/index.js";
import { type FrameReader, mergeFunctions, mergeTips } from "../../src/merge/index.js";

/** Records in memory, for merges to read, and how many were read. */
export class Archive implements FrameReader {
  readonly #records = new Map<Address, IbGib>();
  reads = 0;

  getMany(addresses: readonly Address[]): Promise<readonly (IbGib | undefined)[]> {
    this.reads += addresses.length;
    return Promise.resolve(addresses.map((address) => this.#records.get(address)));
  }

  get(address: Address): IbGib {
    const record = this.#records.get(address);
    if (record === undefined) throw new Error(`not in the archive: ${address}`);
    return record;
  }

  put(record: IbGib): IbGib {
    this.#records.set(record.address, record);
    return record;
  }

  first(data: Patch = {}): IbGib {
    return this.put(createTimeline({ ib: "note", data, uuid: "u" }));
  }

  /** `tip` with `data` patched. */
  edit(tip: IbGib, data: Patch): IbGib {
    return this.put(mutate(tip, data));
  }

  /** `count` edits in a row. */
  edits(tip: IbGib, count: number, name = "i"): IbGib {
    let newest = tip;
    for (let i = 1; i <= count; i++) newest = this.edit(newest, { [name]: i });
    return newest;
  }

  /** A frame as only a hand that means harm, or other software, would write it. */
  forge(frame: IbGib, data: JsonObject, rel8ns: Readonly<Record<string, readonly Address[]>> = {}): IbGib {
    const said = frame.data instanceof Uint8Array ? {} : (frame.data ?? {});
    return this.put(
      sealRecord({ ib: frame.ib, data: { ...said, ...data }, rel8ns: { ...frame.rel8ns, ...rel8ns } }),
    );
  }

  /** The merge of tips, put into the archive; the tip itself where there is nothing to merge. */
  async merge(...tips: readonly IbGib[]): Promise<IbGib> {
    const merged = await mergeTips(addressesOf(tips), this, functions);
    return "same" in merged ? this.get(merged.same) : this.put(merged.frame);
  }
}

/** The built-in function alone. */
export const functions = mergeFunctions();

export function addressesOf(frames: readonly IbGib[]): Address[] {
  return frames.map(({ address }) => address);
}

/** What a frame says, without what every frame of a timeline says. */
export function saidOf(frame: IbGib): JsonObject {
  const {
    n: _n,
    uuid: _uuid,
    merge: _merge,
    isTjp: _first,
    ...said
  } = frame.data instanceof Uint8Array ? {} : (frame.data ?? {});
  return said;
}

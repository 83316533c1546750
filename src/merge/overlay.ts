import type { Address, IbGib } from "../ibgib/index.js";
import type { FrameReader } from "./history.js";

/** A reader with records laid over it that nobody has committed. */
export function overlaid(reader: FrameReader, records: Iterable<IbGib>): FrameReader {
  const laid = new Map(Array.from(records, (record) => [record.address, record] as const));
  return {
    async getMany(addresses: readonly Address[]) {
      const found = await reader.getMany(addresses.filter((address) => !laid.has(address)));
      let at = 0;
      return addresses.map((address) => laid.get(address) ?? found[at++]);
    },
  };
}

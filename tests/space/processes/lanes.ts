import { type Address, createTimeline, type IbGib, sealRecord } from "../../../src/ibgib/index.js";

/** What `write-on.ts` writes, for it and for the test that looks at what is left. */
export const lanes: readonly string[] = ["left", "right"];
export const framesPerCommit = 5;

export function laneFirst(lane: string): IbGib {
  return createTimeline({ ib: lane, uuid: lane });
}

export function laneGroup(lane: string): Address {
  return sealRecord({ ib: "context", data: { group: lane } }).address;
}

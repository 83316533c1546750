import { afterEach, describe } from "vitest";
import type { Space, SpaceLimits } from "../../src/space/index.js";
import { cellContract } from "./contract-cells.js";
import { commitContract } from "./contract-commits.js";
import { holderContract } from "./contract-holders.js";
import { keptContract } from "./contract-kept.js";
import { lifeContract } from "./contract-life.js";
import { mergeContract } from "./contract-merges.js";
import { referenceContract } from "./contract-references.js";
import { sightContract } from "./contract-sights.js";
import { stageContract } from "./contract-stages.js";
import { timelineContract } from "./contract-timelines.js";

/** Opens an empty space. Tests need not close it. */
export type OpenSpace = (limits?: Partial<SpaceLimits>) => Promise<Space>;

/** What holds for every space. */
export function spaceContract(name: string, open: OpenSpace): void {
  const opened: Space[] = [];
  const openTracked: OpenSpace = async (limits) => {
    const space = await open(limits);
    opened.push(space);
    return space;
  };

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((space) => space.close()));
  });

  describe(name, () => {
    describe("commits", () => commitContract(openTracked));
    describe("stages in memory", () => stageContract(openTracked));
    describe("stages moved to the store", () =>
      stageContract((limits) => openTracked({ stagedBytesInMemoryMax: 0, ...limits })));
    describe("kept stages", () => keptContract(openTracked));
    describe("kept stages that were in the store", () =>
      keptContract((limits) => openTracked({ stagedBytesInMemoryMax: 0, ...limits })));
    describe("holders", () => holderContract(openTracked));
    describe("sights", () => sightContract(openTracked));
    describe("sights on stages moved to the store", () =>
      sightContract((limits) => openTracked({ stagedBytesInMemoryMax: 0, ...limits })));
    describe("references", () => referenceContract(openTracked));
    describe("references of stages moved to the store", () =>
      referenceContract((limits) => openTracked({ stagedBytesInMemoryMax: 0, ...limits })));
    describe("timelines", () => timelineContract(openTracked));
    describe("merges", () => mergeContract(openTracked));
    describe("cells and proofs", () => cellContract(openTracked));
    describe("life", () => lifeContract(openTracked));
  });
}

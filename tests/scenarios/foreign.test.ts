import { expect } from "vitest";
import { mutate, sealRecord } from "../../src/ibgib/index.js";
import { saveRecords } from "../../src/peer/index.js";
import { scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

scenario(
  "a timeline that other software grafted a branch onto arrives whole",
  async ({ alice, carol, bob }) => {
    const notes = await alice.timeline("notes");
    await alice.share(notes, carol, "read");
    await alice.edit(notes, { text: "one" }, { text: "two" });
    const [first, one, two] = await alice.space.frames(notes, 0, 2);
    const branch = [mutate(one!, { text: "branch" })];
    branch.push(mutate(branch[0]!, { text: "branch, longer" }));
    const grafted = sealRecord({
      ib: "notes",
      data: { n: 3, text: "both" },
      rel8ns: { past: [two!.address], tjp: [first!.address], graftorphan: [branch[1]!.address] },
    });
    const tips = [{ tjp: notes, from: two!.address, to: grafted.address }];
    const puts = [...branch, grafted];
    await saveRecords(alice, puts, { tips });
    const report = await alice.sync(notes);
    expect(report.totals.up.records).toBe(8); // with the list of readers and its first frame
    await expectInStep(alice, bob, [notes]);

    await alice.edit(notes, { text: "on top" });
    expect((await alice.sync(notes)).totals.up.records).toBe(1);
    await carol.sync(notes, { direction: "pull" });
    await expectInStep(carol, bob, [notes]);
  },
);

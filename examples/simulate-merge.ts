/**
 * An app tests its own merge function: in worlds where connections are lost, machines crash and people edit at once,
 * every peer comes to the same sum. Run it from a clone:
 *
 *     npx tsx -C source examples/simulate-merge.ts
 */
import { type Content, type MergeFunction, mergeFunctions } from "keysaga";
import { describeFailure, simulate } from "keysaga/testing";

const total = ({ data }: Content) => Number(data["total"]);
const sum: MergeFunction = {
  name: "sum",
  version: 1,
  merge: (base, ours, theirs) => {
    return { ...ours, data: { ...ours.data, total: total(ours) + total(theirs) - total(base) } };
  },
};

const report = await simulate({
  seeds: 10,
  functions: mergeFunctions([{ kind: { ib: "counter" }, function: sum }]),
  app: {
    ib: "counter",
    first: { total: 0, added: 0 },
    edit: (data, dice) => {
      const added = 1 + dice.below(9);
      return { total: Number(data["total"]) + added, added };
    },
    holds: (data, edits) => data["total"] === edits.reduce((all, { added }) => all + Number(added), 0),
  },
});
console.log(`${report.worlds} worlds, ${report.failures.length} in which something broke`);
for (const failed of report.failures) console.log(describeFailure(failed));

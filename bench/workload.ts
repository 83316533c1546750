import { type Address, addressOf, createTimeline, type IbGib, mutate, relate, sealRecord } from "keysaga";

/** Shapes of graphs with a given number of records; each record holds `contentBytes` of data. */
export const shapes = ["timelines", "one-timeline", "stones"] as const;
export type Shape = (typeof shapes)[number];

export const shapeTexts: Readonly<Record<Shape, string>> = {
  timelines: "timelines of 100 frames under a folder",
  "one-timeline": "one timeline",
  stones: "stones under parents of 100, under a timeline",
};

/** What a graph is made of, dependencies first, and where its timelines end. */
export interface Graph {
  readonly root: Address;
  readonly records: readonly IbGib[];
  readonly tips: readonly { readonly tjp: Address; readonly from: undefined; readonly to: Address }[];
}

const contentBytes = 200;
const perParent = 100;

/** Stands for an owner where nobody looks at it: an address like any identity's. */
export const noOne = addressOf("keystone.identity", "0".repeat(64));

/** A graph of `count` records of this shape, and the two of its root where it has one of its own; all is the owner's. */
export function makeGraph(shape: Shape, count: number, owner: Address): Graph {
  switch (shape) {
    case "timelines": {
      const notes = Array.from({ length: count / perParent }, (_, i) => chain(`note ${i}`, perParent, owner));
      return gather(notes, owner);
    }
    case "one-timeline": {
      const frames = chain("log", count, owner);
      return { root: frames[0]!.address, records: frames, tips: [tipOf(frames)] };
    }
    case "stones":
      return gather(
        Array.from({ length: count / perParent }, (_, i) => bundle(i)),
        owner,
      );
  }
}

function chain(name: string, frames: number, owner: Address): readonly IbGib[] {
  const chained = [createTimeline({ ib: "note", uuid: name, owner, data: { text: contentOf(name, 0) } })];
  while (chained.length < frames)
    chained.push(mutate(chained.at(-1)!, { text: contentOf(name, chained.length) }));
  return chained;
}

/** Stones, and last the one that links to them. */
function bundle(at: number): readonly IbGib[] {
  const leaves = Array.from({ length: perParent - 1 }, (_, i) =>
    sealRecord({ ib: "leaf", data: { text: contentOf(`leaf ${at}`, i) } }),
  );
  return [...leaves, sealRecord({ ib: "parent", rel8ns: { leaf: leaves.map(({ address }) => address) } })];
}

/** A folder timeline that relates the first record of each timeline, or the last of each bundle of stones. */
function gather(groups: readonly (readonly IbGib[])[], owner: Address): Graph {
  const isTimelines = groups[0]?.[0]?.ib === "note";
  const related = groups.map((group) => (isTimelines ? group[0]! : group.at(-1)!).address);
  const first = createTimeline({ ib: "folder", uuid: "folder", owner });
  const folder = [first, relate(first, { add: { item: related } })];
  const tips = isTimelines ? groups.map(tipOf) : [];
  return { root: first.address, records: [...groups.flat(), ...folder], tips: [...tips, tipOf(folder)] };
}

function tipOf(frames: readonly IbGib[]): Graph["tips"][number] {
  return { tjp: frames[0]!.address, from: undefined, to: frames.at(-1)!.address };
}

/** Text that fills its record's data up to `contentBytes`, names included, and that no other record has. */
function contentOf(name: string, at: number): string {
  const head = `${name}, text ${at}. `;
  return head.padEnd(contentBytes - '{"text":""}'.length, "keysaga ");
}

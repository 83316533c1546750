import type { JsonObject } from "../../base/index.js";
import type { Dice } from "./dice.js";

/** What timelines of a world hold, and how peers change it. An app brings its own. */
export interface Content {
  /** The `ib` of the timelines. */
  readonly ib: string;
  readonly first: JsonObject;
  /** The members that an edit changes. */
  edit(data: JsonObject, dice: Dice): JsonObject;
}

/** A text, a title and a list: what the built-in merge is for. */
export const notes: Content = {
  ib: "note",
  first: { title: "a note", text: "one\ntwo\nthree\n", list: [1, 2] },
  edit(data, dice) {
    const unique = `${dice.below(1_000_000)}`;
    const lines = String(data["text"]).split("\n");
    const list = Array.isArray(data["list"]) ? data["list"] : [];
    switch (dice.below(4)) {
      case 0:
        return { title: unique };
      case 1:
        return { text: lines.toSpliced(dice.below(lines.length), 0, unique).join("\n") };
      case 2:
        return { text: lines.toSpliced(dice.below(lines.length), 1).join("\n") };
      default:
        return { list: list.toSpliced(dice.below(list.length + 1), 0, unique) };
    }
  },
};

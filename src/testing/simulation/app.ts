import type { JsonObject } from "../../base/index.js";
import type { Dice } from "./dice.js";

/** What the timelines of a world are about. An app that is tested brings its own. */
export interface App {
  /** The `ib` of the timelines. */
  readonly ib: string;
  readonly first: JsonObject;
  /** The members that an edit changes, from what the tip says. Whatever it draws comes from `dice`. */
  edit(data: JsonObject, dice: Dice): JsonObject;
  /** Is `data`, what a tip says in the end, what these edits come to, in whatever order they were merged? */
  holds?(data: JsonObject, edits: readonly JsonObject[]): boolean;
}

/** A text, a title and a list: what the built-in merge is for. */
export const notes: App = {
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

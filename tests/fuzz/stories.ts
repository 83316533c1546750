import { toHex } from "../../src/base/index.js";
import type { Address } from "../../src/ibgib/index.js";
import type { Direction } from "../../src/saga/index.js";
import { sagaLimits } from "../../src/saga/index.js";
import { innerspacePair } from "../../src/transport/index.js";
import { signOften } from "../scenarios/turns.js";
import type { Cast, Player } from "./cast.js";

/** What sam asks for on one connection, one call after another. */
export interface Wish {
  readonly roots: readonly Address[];
  readonly direction: Direction;
}

/** What is made ready before a session, and what of it the session is to bring in step. */
export interface Story {
  /** How often it is taken, beside the others: what makes long messages is taken seldom. */
  readonly weight: number;
  /** Sam was let write what he asks for, though it is somebody else's. */
  readonly samMayWrite?: boolean;
  earlier?(rita: Player): Promise<void>;
  prepare(cast: Cast): Promise<readonly Wish[]>;
  /** Happens at the receiver when its ack is on its way. */
  meanwhile?(cast: Cast, wishes: readonly Wish[]): Promise<void>;
}

/** Each story makes other messages travel; together they take every turn of the protocol. */
export const stories: Readonly<Record<string, Story>> = {
  push: {
    weight: 6,
    prepare: async ({ sam }) => [wish([await note(sam)], "push")],
  },
  "known sender": {
    weight: 3,
    prepare: async (cast) => {
      await meet(cast, [await note(cast.sam)]);
      return [wish([await note(cast.sam)])];
    },
  },
  pull: {
    weight: 4,
    prepare: async (cast) => {
      const theirs = await note(cast.rita);
      await cast.rita.share(theirs, cast.sam, "read");
      await meet(cast, [await note(cast.sam)]);
      return [wish([theirs], "pull")];
    },
  },
  diverged: {
    weight: 6,
    prepare: async (cast) => [wish([await diverged(cast)])],
  },
  offer: {
    weight: 3,
    prepare: async ({ sam }) => {
      const leaf = await Promise.all(
        Array.from({ length: 6 }, (_, at) => sam.stone("leaf", { data: { at } })),
      );
      return [wish([await sam.stone("root", { rel8ns: { leaf } })])];
    },
  },
  "two sagas": {
    weight: 2,
    prepare: async ({ sam }) => [wish([await note(sam)]), wish([await note(sam)], "push")],
  },
  moved: {
    weight: 3,
    samMayWrite: true,
    prepare: async (cast) => {
      const shared = await note(cast.rita);
      await cast.rita.share(shared, cast.sam);
      await meet(cast, [await note(cast.sam)]);
      await meet(cast, [shared]);
      await cast.sam.edit(shared, { hand: "sam" });
      return [wish([shared])];
    },
    meanwhile: async ({ rita }, [first]) => void (await rita.edit(first!.roots[0]!, { hand: "rita" })),
  },
  "long list": {
    weight: 0.5,
    prepare: async ({ sam }) => [wish(await longNamed(sam, 70), "push")],
  },
  "much payload": {
    weight: 0.2,
    prepare: async ({ sam }) => {
      const stones = Array.from({ length: 5 }, () => sam.stone("big", { data: { text: bigText(sam) } }));
      return [wish(await Promise.all(stones), "push")];
    },
  },
  "frames ahead of connect": {
    weight: 0.2,
    prepare: async ({ sam }) => {
      await signOften(sam, sagaLimits.framesShownMax + 1);
      return [wish([await note(sam)])];
    },
  },
  "frames ahead of challenge": {
    weight: 0.2,
    earlier: (rita) => signOften(rita, sagaLimits.framesShownMax + 1),
    prepare: async ({ sam }) => [wish([await note(sam)])],
  },
};

const wish = (roots: readonly Address[], direction: Direction = "both"): Wish => ({ roots, direction });

async function note(of: Player): Promise<Address> {
  const made = await of.timeline("note", { data: { text: "one\ntwo\nthree" } });
  await of.edit(made, { text: "one\ntwo\nfour" }, { title: `by ${of.name}` });
  return made;
}

/** A note of sam's that he has let olga write, and that both have edited since: her edit is at rita's. */
async function diverged(cast: Cast): Promise<Address> {
  const { sam, olga } = cast;
  const shared = await note(sam);
  await sam.share(shared, olga);
  await meet(cast, [shared]);
  await meet(cast, [shared], olga);
  await olga.edit(shared, { text: "one\ntwo\nfour\nfive" }, { title: "by both" });
  await meet(cast, [shared], olga);
  await sam.edit(shared, { text: "zero\none\ntwo\nfour" });
  return shared;
}

function longNamed(of: Player, count: number): Promise<Address[]> {
  return Promise.all(
    Array.from({ length: count }, (_, at) => of.stone(`stone ${at} ${"x".repeat(450)}`, { data: { at } })),
  );
}

const bigText = ({ stand }: Player) => toHex(stand.random.bytes(100_000));

/** An earlier session of sam's, or of another's. */
async function meet({ receiver, senderOver }: Cast, roots: readonly Address[], who?: Player): Promise<void> {
  const { left, right } = innerspacePair({ timers: { after: () => () => undefined } });
  receiver.accept(right);
  const sender = senderOver(left, who);
  await sender.sync(roots);
  await sender.disconnect();
}

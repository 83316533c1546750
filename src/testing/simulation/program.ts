import type { Direction, Role } from "../../saga/index.js";
import { Dice } from "./dice.js";
import type { Crash } from "./home.js";
import { connectionFaults, type MessageFault, type NetworkFault } from "./meddling.js";
import { type Profile, type ProfileName, profiles } from "./profiles.js";

/** What a step does. Peers are named by number; timelines by number as well, among those there are by then. */
export type Deed =
  | { readonly do: "create"; readonly by: number; readonly within?: number }
  /** So many edits at once. */
  | { readonly do: "edit"; readonly by: number; readonly which: number; readonly times: number }
  | { readonly do: "link"; readonly by: number; readonly which: number; readonly to: number }
  | { readonly do: "share"; readonly which: number; readonly with: number; readonly access: "read" | "write" }
  | { readonly do: "unshare"; readonly which: number; readonly with: number }
  /** The owner adopts something that is left out, or sets aside what somebody else has made. */
  | { readonly do: "adopt" | "setAside"; readonly which: number }
  | {
      readonly do: "sync";
      readonly by: number;
      readonly at: number;
      /** All that there are, where it is left out. */
      readonly which?: number;
      readonly direction: Direction;
      /** Cancelled after so many milliseconds. */
      readonly cancelMs?: number;
    }
  /** All processes of a home connect anew and sync, at once. */
  | { readonly do: "rush"; readonly by: number; readonly at: number }
  /** Asks for a timeline that it was not let into, or for a list of readers of another. */
  | { readonly do: "pry"; readonly by: number; readonly at: number; readonly which: number }
  | { readonly do: "connect"; readonly by: number; readonly at: number }
  | { readonly do: "disconnect"; readonly by: number }
  | {
      readonly do: "crash";
      readonly home: string;
      readonly how: Crash;
      readonly after: number;
      readonly downMs: number;
    }
  | { readonly do: "restart"; readonly home: string }
  /** One more process on the same disk. */
  | { readonly do: "second"; readonly home: string }
  /** Put back to how its disk was so many steps before. */
  | { readonly do: "restore"; readonly home: string; readonly back: number }
  | { readonly do: "clone"; readonly home: string }
  | { readonly do: "jump"; readonly home: string; readonly ms: number }
  | {
      readonly do: "storage";
      readonly home: string;
      readonly fault: "flush" | "full" | "slow";
      readonly ms: number;
    }
  | {
      readonly do: "network";
      readonly home: string;
      readonly fault: NetworkFault;
      readonly to: Role;
      readonly skip: number;
    }
  | { readonly do: "part"; readonly by: number; readonly at: number; readonly ms: number }
  | { readonly do: "relay"; readonly by: number; readonly at: number }
  | { readonly do: "stranger"; readonly at: number }
  /** Puts into its own store what somebody else is said to have written, and lets others take it. */
  | { readonly do: "forge"; readonly home: string; readonly which: number };

export type Step = Deed & {
  /** Milliseconds since the step before began. */
  readonly gap: number;
};

/** A world, and what happens in it. */
export interface Program {
  readonly seed: string;
  readonly profile: ProfileName;
  readonly senders: number;
  readonly receivers: number;
  /** The usual way of a message. */
  readonly usualMs: { readonly low: number; readonly high: number };
  /** Do stages go to the disk at once? */
  readonly smallMemory: boolean;
  /** Are all stores looked through in the end? That takes as long as all the rest. */
  readonly verifies: boolean;
  readonly steps: readonly Step[];
}

/** The program of a seed: the same one for ever, as long as this file is as it is. */
export function programOf(seed: string, name: ProfileName): Program {
  const dice = new Dice(`keysaga/program/1/${name}/${seed}`);
  const profile = profiles[name];
  const senders = dice.weighted({ 1: 2, 2: 5, 3: 2 });
  const receivers = dice.weighted({ 1: 5, 2: profile.weights.relay > 0 ? 5 : 2 });
  const maker = new Maker(dice, profile, Number(senders), Number(receivers));
  return {
    seed,
    profile: name,
    senders: Number(senders),
    receivers: Number(receivers),
    usualMs: dice.pick([
      { low: 0, high: 2 },
      { low: 5, high: 40 },
      { low: 50, high: 900 },
    ]),
    smallMemory: dice.chance(0.3),
    verifies: dice.chance(0.1),
    steps: [...maker.opening(), ...maker.middle(dice.between(...profile.steps))],
  };
}

const directions = { both: 6, push: 1, pull: 1 } as const;
const troubles = new Set<Deed["do"]>(["crash", "jump", "storage", "network", "restore", "second"]);
const dayMs = 24 * 60 * 60_000;

class Maker {
  constructor(
    private readonly dice: Dice,
    private readonly profile: Profile,
    private readonly senders: number,
    private readonly receivers: number,
  ) {}

  /** Somebody has made something, let the others in, and it has come around; much of it at once. */
  opening(): Step[] {
    const { dice } = this;
    const others = Array.from({ length: this.senders - 1 }, (_, at) => at + 1);
    return [
      this.#step({ do: "create", by: 0 }),
      ...others.map((other) =>
        this.#step({
          do: "share",
          which: 0,
          with: other,
          access: dice.chance(this.profile.writers) ? "write" : "read",
        }),
      ),
      ...(this.receivers > 1 && dice.chance(this.profile.weights.relay / 2)
        ? [this.#step({ do: "relay", by: 0, at: 1 })]
        : []),
      this.#step({ do: "sync", by: 0, at: 0, direction: "both" }),
      ...others.map((by) => ({ ...this.#step({ do: "sync", by, at: 0, direction: "both" }), gap: 200 })),
      ...(dice.chance(0.7) ? this.#everybodyEdits() : []),
    ];
  }

  /** Late enough for the first syncs to be over, mostly. */
  #everybodyEdits(): Step[] {
    const all = Array.from({ length: this.senders }, (_, by) => by);
    return all.map((by) => ({
      do: "edit",
      by,
      which: 0,
      times: 1,
      gap: by === 0 ? this.dice.pick([50, 1_000, 5_000]) : 0,
    }));
  }

  middle(count: number): Step[] {
    return Array.from({ length: count }, () => this.#deeds()).flat();
  }

  /** What goes wrong goes wrong in something: a sync that has something to bring comes with it, at once. */
  #deeds(): Step[] {
    const step = this.#step(this.#deed());
    if (!("home" in step) || !troubles.has(step.do)) return [step];
    const [by, at] = [
      this.#number(step.home, "s", this.senders),
      this.#number(step.home, "r", this.receivers),
    ];
    // Mostly what was before has come to its end.
    const gap = this.dice.chance(0.7) ? this.dice.between(500, 6_000) : step.gap;
    const edit: Step = { do: "edit", by, which: this.dice.below(16), times: 1, gap };
    const sync: Step = { ...this.#sync(by, at), gap: this.dice.below(3) };
    // Often in a handshake as well.
    const disconnect: Step[] = this.dice.chance(0.4) ? [{ do: "disconnect", by, gap: 0 }] : [];
    return [edit, { ...step, gap: 6 }, ...disconnect, sync];
  }

  #number(home: string, kind: "s" | "r", count: number): number {
    return home.startsWith(kind) ? Number(home.slice(1)) : this.dice.below(count);
  }

  #step(deed: Deed): Step {
    const gaps = {
      soon: this.dice.below(4),
      later: this.dice.between(5, 400),
      much: this.dice.between(400, 8_000),
    };
    return { ...deed, gap: gaps[this.dice.weighted({ soon: 5, later: 5, much: 1 })] };
  }

  #deed(): Deed {
    const { dice } = this;
    const kind = dice.weighted(this.profile.weights);
    const by = dice.below(this.senders);
    const at = dice.below(this.receivers);
    const which = dice.below(16);
    const home = this.#home();
    switch (kind) {
      case "create":
        return {
          do: "create",
          by,
          ...(this.profile.within > 0 && dice.chance(this.profile.within) && { within: which }),
        };
      case "disconnect":
        return { do: "disconnect", by };
      case "adopt":
      case "setAside":
        return { do: kind, which };
      case "edit":
        return { do: "edit", by, which, times: dice.chance(0.2) ? 3 : 1 };
      case "link":
        return { do: "link", by, which, to: dice.below(16) };
      case "share":
        return { do: "share", which, with: by, access: dice.chance(this.profile.writers) ? "write" : "read" };
      case "unshare":
        return { do: "unshare", which, with: by };
      case "sync":
        return this.#sync(by, at);
      case "connect":
      case "relay":
      case "rush":
        return { do: kind, by, at };
      case "pry":
        return { do: "pry", by, at, which };
      case "crash":
        return {
          do: "crash",
          home,
          how: dice.chance(0.6) ? "kill" : "power",
          after: dice.chance(0.3) ? 0 : dice.below(120),
          downMs: dice.pick([5, 200, 5_000]),
        };
      case "restart":
      case "second":
      case "clone":
        return { do: kind, home };
      case "restore":
        return { do: "restore", home, back: dice.between(1, 6) };
      case "jump":
        return { do: "jump", home, ms: dice.pick([-dayMs, dayMs, -3_600_000, 3_600_000]) };
      case "storage":
        return {
          do: "storage",
          home,
          fault: dice.pick(["flush", "full", "slow"]),
          ms: dice.between(1, 5_000),
        };
      case "connection":
      case "message":
      case "enemy":
        return this.#network(home, this.#fault(kind));
      case "part":
        return { do: "part", by, at, ms: dice.pick([300, 5_000, 40_000]) };
      case "stranger":
        return { do: "stranger", at };
      case "forge":
        return { do: "forge", home, which };
    }
  }

  #sync(by: number, at: number): Deed {
    const { dice } = this;
    return {
      do: "sync",
      by,
      at,
      ...(dice.chance(0.4) && { which: dice.below(16) }),
      direction: dice.weighted(directions),
      ...(dice.chance(this.profile.cancels) && { cancelMs: dice.below(300) }),
    };
  }

  #network(home: string, fault: NetworkFault): Deed {
    const { dice } = this;
    return { do: "network", home, fault, to: dice.pick(["sender", "receiver"]), skip: dice.below(4) };
  }

  #fault(kind: "connection" | "message" | "enemy"): NetworkFault {
    const messages = ["drop", "duplicate", "reorder", "delay", "flip", "truncate"] satisfies MessageFault[];
    const enemies = ["drop", "replay", "forge", "forge", "reseal"] satisfies MessageFault[];
    const lists = { connection: connectionFaults, message: messages, enemy: enemies };
    return this.dice.pick<NetworkFault>(lists[kind]);
  }

  #home(): string {
    return this.dice.chance(0.5)
      ? `s${this.dice.below(this.senders)}`
      : `r${this.dice.below(this.receivers)}`;
  }
}

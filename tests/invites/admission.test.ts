import { describe, expect, test } from "vitest";
import {
  type Admission,
  type Commit,
  type CommitResult,
  createReceiver,
  InnerSpace,
} from "../../src/index.js";
import { createWorld, seededPlatform, type World, type WorldOptions } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { codeOf, delays, expectQuiet, openLab, spaceWith } from "../protocol/lab.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { guest, invite, keptOf, newcomer, tryOnce } from "./cast.js";
import { eventually } from "../waiting.js";

/** Rules that do not let anybody in, and those that let in everybody. */
const closed: readonly Admission[] = [
  { kind: "allow-list", identities: [] },
  { kind: "invite" },
  { kind: "ask", admit: () => false },
];
const opened: readonly Admission[] = [{ kind: "open" }, { kind: "ask", admit: async () => true }];

const kindsOf = (rules: readonly Admission[]) => rules.map((rule) => [rule.kind, rule] as const);

describe("a receiver admits while it serves (W9)", () => {
  test.each(kindsOf(closed))(
    "whatever its rule says (%s), from the very moment it says so",
    async (_, admission) => {
      const { world, platform } = await openLab("admits", { admission });
      const carol = await newcomer(platform);
      expect(await tryOnce(world, carol)).toBe("auth_fail");
      await world.answering.admit(carol.address);
      expect(await tryOnce(world, carol)).toBe("none");
      expect(await tryOnce(world, await newcomer(platform))).toBe("auth_fail");
      await world.close();
    },
  );

  test("and so does every other receiver of the home, running or yet to be started", async () => {
    const admission: Admission = { kind: "allow-list", identities: [] };
    const { world, platform } = await openLab("others", { admission });
    const carol = await newcomer(platform);
    const other = await alsoAt(world, admission);
    await world.answering.admit(carol.address);
    expect(await tryOnce(world, carol, undefined, { dial: other.dial })).toBe("none");
    const later = await alsoAt(world, admission);
    expect(await tryOnce(world, carol, undefined, { dial: later.dial })).toBe("none");
    await world.close();
  });

  test("whom the list of an invite receiver names needs no invite, and uses none up", async () => {
    const platform = seededPlatform("named");
    const carol = await newcomer(platform);
    const admission: Admission = { kind: "invite", identities: [carol.address] };
    const world = await createWorld({ admission, platform });
    const made = await invite(world.receiver);
    expect(await tryOnce(world, carol)).toBe("none");
    expect(await tryOnce(world, carol, made.text)).toBe("none");
    expect(await keptOf(world.receiver, made)).toEqual({ expires: made.expires });
    expect(await tryOnce(world, await newcomer(platform))).toBe("auth_fail");
    await world.close();
  });
});

describe("a receiver expels while it serves (threat 22)", () => {
  test.each([...kindsOf(opened), ["allow-list", undefined] as const])(
    "whatever its rule says (%s), until it admits again",
    async (_, rule) => {
      const platform = seededPlatform("expels");
      const carol = await newcomer(platform);
      const admission = rule ?? { kind: "allow-list", identities: [carol.address] };
      const world = await createWorld({ admission, platform });
      expect(await tryOnce(world, carol)).toBe("none");
      await world.answering.expel(carol.address);
      expect(await tryOnce(world, carol)).toBe("auth_fail");
      await world.answering.admit(carol.address);
      expect(await tryOnce(world, carol)).toBe("none");
      await world.close();
    },
  );

  for (const [transport, network] of Object.entries({ innerspace: undefined, websocket: webSocketNetwork })) {
    test(`and no session of that identity is left when it says so; others go on: over ${transport}`, async () => {
      const lab = await openLab("ends sessions", {
        senders: ["alice", "carol"],
        ...(network && { network }),
      });
      const { world } = lab;
      const [alice, carol] = world.senders as [(typeof world.senders)[0], (typeof world.senders)[0]];
      const note = await carol.timeline("note");
      const more = [1, 2].map(() => guest(world, alice.identity));
      await Promise.all([
        alice.sender.connect(),
        carol.sender.connect(),
        ...more.map((one) => one.connect()),
      ]);
      expect(world.answering.sessionCount).toBe(4);
      await world.answering.expel(alice.address);
      expect(world.answering.sessionCount).toBe(1);
      await carol.sender.sync([note]);
      const told = () => alice.events.filter(({ kind }) => kind === "closed");
      expect(await eventually(() => told().length === 1)).toBe(true);
      expect(told()).toMatchObject([{ error: { code: "not_admitted" } }]);
      expect(await codeOf(alice.sender.connect())).toBe("auth_fail");
      await Promise.all([carol, ...more].map((one) => one.disconnect()));
      await expectQuiet(lab);
      await world.close();
    });
  }

  test.each(["owners", "open"] as const)(
    "and a session elsewhere on its home ends with its next turn: access %s",
    async (access) => {
      const world = await createWorld({ access, seed: "elsewhere" });
      const [alice] = world.senders;
      const other = await alsoAt(world, { kind: "open" });
      const note = await alice!.timeline("note");
      await alice!.sender.sync([note]);
      await other.receiver.expel(alice!.address);
      expect(world.answering.sessionCount).toBe(1);
      expect(await codeOf(alice!.sender.sync([note]))).toBe("not_admitted");
      await world.close();
    },
  );

  test.each(["owners", "open"] as const)(
    "and nothing of a saga is committed that was under way: access %s",
    async (access) => {
      let goOn: (() => void) | undefined;
      let isArmed = false;
      class SlowSpace extends InnerSpace {
        override async commit(commit: Commit): Promise<CommitResult> {
          if (isArmed && commit.saga !== undefined) await new Promise<void>((resolve) => (goOn = resolve));
          return super.commit(commit);
        }
      }
      const spaces = [new SlowSpace()];
      const options: WorldOptions = {
        access,
        seed: "under way",
        space: () => spaces.pop() ?? new InnerSpace(),
      };
      const world = await createWorld(options);
      const [alice] = world.senders;
      const other = await alsoAt(world, { kind: "open" });
      await alice!.sender.connect();
      const note = await alice!.timeline("note");
      isArmed = true;
      const outcome = codeOf(alice!.sender.sync([note]));
      expect(await eventually(() => goOn !== undefined)).toBe(true);
      await other.receiver.expel(alice!.address);
      isArmed = false;
      goOn?.();
      expect(await outcome).toBe("not_admitted");
      expect(await world.receiver.space.tip(note)).toBeUndefined();
      await world.close();
    },
  );

  test("and an invite does not undo it", async () => {
    const { world, platform } = await openLab("no way back", { admission: { kind: "invite" } });
    const carol = await newcomer(platform);
    const [one, two] = [await invite(world.receiver), await invite(world.receiver)];
    expect(await tryOnce(world, carol, one.text)).toBe("none");
    await world.answering.expel(carol.address);
    expect(await tryOnce(world, carol, one.text)).toBe("invite_refused");
    expect(await tryOnce(world, carol, two.text)).toBe("invite_refused");
    expect(await keptOf(world.receiver, two)).toEqual({ expires: two.expires });
    await world.close();
  });
});

test("admit and expel at once, with connects in between: what was said last holds, and no session outlives it", async () => {
  const rounds = Number(process.env["KEYSAGA_RUNS"] ?? 6);
  for (let round = 0; round < rounds; round++) {
    const wait = delays(`admit and expel ${round}`, 3);
    const lab = await openLab(`admit and expel ${round}`, {
      admission: { kind: "allow-list", identities: [] },
      around: (space, of) => (of === 0 ? spaceWith(space, { before: wait, after: wait }) : space),
    });
    const { world, platform } = lab;
    const carol = await newcomer(platform);
    const { answering } = world;
    await answering.admit(carol.address);
    const senders = [1, 2, 3, 4].map(() => guest(world, carol));
    const outcomes = senders.map((sender) => wait().then(() => codeOf(sender.connect())));
    await wait();
    await answering.expel(carol.address);
    const left = answering.sessionCount; // those whose connect is still judged
    for (const code of await Promise.all(outcomes))
      expect(["none", "auth_fail", "not_admitted"]).toContain(code);
    expect(await eventually(() => answering.sessionCount === 0), `${left} were left`).toBe(true);
    expect(await tryOnce(world, carol)).toBe("auth_fail");
    await answering.admit(carol.address);
    expect(await tryOnce(world, carol)).toBe("none");
    await Promise.all(senders.map((sender) => sender.disconnect()));
    await expectQuiet(lab);
    await world.close();
  }
});

/** Another receiver on the home of a world's, as in another process. */
async function alsoAt({ receiver: { identity }, audience }: World, admission: Admission) {
  const { listen, dial } = createInnerspace(seededPlatform("also"));
  const receiver = await createReceiver({ identity, audiences: [audience], admission });
  listen((connection) => receiver.accept(connection));
  return { receiver, dial };
}

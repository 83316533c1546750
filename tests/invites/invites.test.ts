import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createReceiver, createSender, inviteLimits, readInvite } from "../../src/peer/index.js";
import { createWorld, type Peer, seededPlatform, type TapRule, tapDial } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { codeOf, expectQuiet, openLab } from "../protocol/lab.js";
import { webSocketNetwork } from "../scenarios/scenario.js";
import { byInvite, guest, invite, keptOf, newcomer, tryOnce } from "./cast.js";
import { eventually, patient } from "../waiting.js";

const networks = { innerspace: undefined, websocket: webSocketNetwork };

/** What the receiver made of the newest connection, once it has ended. */
async function lastEnd(bob: Peer, count: number) {
  const ends = () => bob.events.filter((event) => event.kind === "closed");
  expect(await eventually(() => ends().length >= count)).toBe(true);
  const error = ends().at(-1)?.error;
  return { code: error?.code, ...error?.facts };
}

describe("an invite lets one identity in, once", () => {
  for (const [transport, network] of Object.entries(networks)) {
    test(`and that one for good: over ${transport}`, async () => {
      const lab = await openLab("invited", { admission: byInvite, ...(network && { network }) });
      const { world, platform } = lab;
      const [bob, alice] = [world.receiver, world.senders[0]!];
      expect(await codeOf(alice.sender.connect())).toBe("auth_fail");
      expect(await lastEnd(bob, 1)).toEqual({ code: "not_admitted" });

      const made = await invite(bob, network && { url: world.audience });
      const sender = network
        ? createSender({ identity: alice.identity, invite: made.text })
        : guest(world, alice.identity, made.text);
      await sender.sync([await alice.timeline("note")]);
      await sender.disconnect();
      expect(bob.events.filter(({ kind }) => kind === "admitted")).toEqual([
        { kind: "admitted", identity: alice.address, invite: made.id },
      ]);
      const used = await keptOf(bob, made);
      expect(used).toEqual({ expires: made.expires, usedBy: alice.address });

      // From now on it is not needed, and does no harm.
      expect(await codeOf(alice.sender.connect())).toBe("none");
      await alice.disconnect();
      expect(await tryOnce(world, alice.identity, made.text)).toBe("none");
      const carol = await newcomer(platform);
      expect(await tryOnce(world, carol, made.text)).toBe("invite_refused");
      expect(await lastEnd(bob, 5)).toEqual({ code: "invite_refused", invite: made.id, reason: "used" });
      expect(await keptOf(bob, made)).toEqual(used);
      await expectQuiet(lab);
      await world.close();
    });
  }

  test("one that is admitted already does not use it up", async () => {
    const { world, platform } = await openLab("admitted already", { admission: byInvite });
    const [carol, dave] = [await newcomer(platform), await newcomer(platform)];
    await world.answering.admit(carol.address);
    const made = await invite(world.receiver);
    expect(await tryOnce(world, carol, made.text)).toBe("none");
    expect(await tryOnce(world, carol)).toBe("none");
    expect(await keptOf(world.receiver, made)).toEqual({ expires: made.expires });
    expect(await tryOnce(world, dave, made.text)).toBe("none");
    await world.close();
  });

  test("its receiver is the pin: another one that answers there is not spoken to", async () => {
    const { world, platform } = await openLab("another receiver", { admission: byInvite });
    const [alice] = world.senders;
    const { text } = await invite({ identity: await newcomer(platform) });
    expect(await tryOnce(world, alice!.identity, text)).toBe("receiver_changed");
    const pin = world.receiver.address;
    const codeFor = (shown: string) => codeOf((async () => guest(world, alice!.identity, shown, { pin }))());
    expect(await codeFor(text)).toBe("receiver_changed");
    expect(await codeFor(`${text}x`)).toBe("invite_malformed");
    expect(await codeFor((await invite(world.receiver)).text)).toBe("none");
    await world.close();
  });

  test("it is good at once: at a receiver that runs already, and at one that starts later", async () => {
    const { world, platform } = await openLab("before and after", { admission: byInvite });
    const { identity } = world.receiver;
    const [one, two] = [await invite(world.receiver), await invite(world.receiver)];
    const { listen, dial } = createInnerspace(platform);
    const audiences = [world.audience];
    const second = await createReceiver({ identity, audiences, admission: byInvite, platform });
    listen((connection) => second.accept(connection));
    expect(await tryOnce(world, await newcomer(platform), two.text)).toBe("none");
    expect(await tryOnce(world, await newcomer(platform), one.text, { dial })).toBe("none");
    await second.close();
    await world.close();
  });

  test("one that never hears that it is ready is admitted all the same", async () => {
    const lab = await openLab("no ready", { admission: byInvite });
    const { world, platform } = lab;
    const [bob, carol] = [world.receiver, await newcomer(platform)];
    const made = await invite(bob);
    const deaf: TapRule = ({ message }) => (String(message).includes('"ready"') ? [] : [message]);
    const sender = guest(world, carol, made.text, { dial: tapDial(world.dial, deaf).dial });
    const outcome = codeOf(sender.connect());
    expect(await eventually(() => bob.events.some(({ kind }) => kind === "connected"))).toBe(true);
    await sender.disconnect();
    expect(await outcome).toBe("connection_closed");
    expect(await tryOnce(world, carol)).toBe("none");
    expect(await tryOnce(world, await newcomer(platform), made.text)).toBe("invite_refused");
    await expectQuiet(lab);
    await world.close();
  });
});

describe("of many who show one invite at once, exactly one gets in (threat 22)", () => {
  const guests = Number(process.env["KEYSAGA_GUESTS"] ?? 100);
  /** Who does not get in takes no place; who was invited does not count against others from where it comes from. */
  const limits = {
    ...patient,
    newIdentitiesPerAddressPerHour: 0,
    newIdentitiesPerHour: 2,
    identitiesMax: 2,
  };

  for (const [transport, network, count] of [
    ["innerspace", undefined, guests],
    ["websocket", webSocketNetwork, Math.ceil(guests / 4)],
  ] as const) {
    test(`${count} over ${transport}`, async () => {
      const platform = seededPlatform(`guests over ${transport}`);
      const world = await createWorld({
        admission: byInvite,
        limits,
        platform,
        ...(network && { network: network() }),
      });
      const bob = world.receiver;
      const made = await invite(bob);
      const crowd = await Promise.all(Array.from({ length: count }, () => newcomer(platform)));
      const codes = await Promise.all(
        crowd.map((one) => tryOnce(world, one, made.text, { limits: patient })),
      );
      const winners = crowd.filter((_, at) => codes[at] === "none");
      expect(winners).toHaveLength(1);
      expect(codes.filter((code) => code === "invite_refused")).toHaveLength(count - 1);
      expect(await keptOf(bob, made)).toMatchObject({ usedBy: winners[0]!.address });
      // Nothing is kept of the others, and they are told the same as before.
      expect(await bob.space.cells("identity/")).toHaveLength(2); // and its own
      expect(await bob.space.cells("admission/")).toHaveLength(1);
      expect(await bob.space.cells("lane/")).toHaveLength(1);
      expect(bob.events.filter(({ kind }) => kind === "admitted")).toHaveLength(1);
      const another = async () => tryOnce(world, await newcomer(platform), (await invite(bob)).text);
      expect([await another(), await another()]).toEqual(["none", "invite_refused"]);
      await world.close();
    });
  }
});

describe("invites are bounded", () => {
  test("in number while they are open, and what has expired makes room", async () => {
    let now = Date.now();
    const steady = seededPlatform("bounded");
    const platform = { ...steady, clock: { ...steady.clock, now: () => now } };
    const bob = { identity: await newcomer(platform) };
    const { space } = bob.identity;
    const key = (id: number) => `invite/${id.toString(16).padStart(32, "0")}`;
    const kept = (expires: number) => new TextEncoder().encode(JSON.stringify({ expires }));
    await space.commit({
      holder: bob.identity.address,
      sight: { holders: [] },
      cells: Array.from({ length: inviteLimits.openMax - 10 }, (_, id) => ({
        key: key(id),
        from: undefined,
        to: kept(now + 1_000),
      })),
    });
    const outcomes = await Promise.all(Array.from({ length: 15 }, () => codeOf(invite(bob, { platform }))));
    expect(outcomes.filter((code) => code === "none")).toHaveLength(10);
    expect(outcomes.filter((code) => code === "limit_exceeded")).toHaveLength(5);
    expect(await space.cells("invite/")).toHaveLength(inviteLimits.openMax);
    now += 1_000;
    await invite(bob, { platform });
    expect(await space.cells("invite/")).toHaveLength(11);
  });

  test("in time", async () => {
    const bob = { identity: await newcomer(seededPlatform("in time")) };
    for (const expiresInMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, inviteLimits.expiresInMsMax + 1])
      expect(await codeOf(invite(bob, { expiresInMs }))).toBe("invite_not_made");
    expect(await codeOf(invite(bob, { url: "https://sync.example" }))).toBe("invite_not_made");
    expect(await bob.identity.space.cells("invite/")).toEqual([]);
    await invite(bob, { expiresInMs: inviteLimits.expiresInMsMax });
  });
});

describe("what opens an invite is a secret (threat 19)", () => {
  const spellingsOf = (key: Uint8Array) =>
    (["hex", "base64", "base64url", "latin1"] as const).map((spelled) => Buffer.from(key).toString(spelled));

  test("that is in no store, so that a copy of one lets nobody in", async () => {
    const bob = { identity: await newcomer(seededPlatform("no key")) };
    const { text, id } = await invite(bob);
    const stored: string[] = [];
    for await (const found of bob.identity.space.scan()) {
      const bytes = found.kind === "cell" ? found.value : "bytes" in found ? found.bytes : new Uint8Array();
      stored.push(JSON.stringify(found), Buffer.from(bytes).toString("latin1"));
    }
    expect(stored.join()).toContain(id);
    for (const spelled of spellingsOf(readInvite(text).key)) expect(stored.join()).not.toContain(spelled);
  });

  test("that is never said, told of, or in an error: taken and refused", async () => {
    const { world, platform } = await openLab("not said", { admission: byInvite });
    const [bob, alice] = [world.receiver, world.senders[0]!];
    const { text } = await invite(bob);
    const tap = tapDial(world.dial);
    const told: unknown[] = [];
    const settings = { dial: tap.dial, onEvent: (event: unknown) => told.push(event) };
    expect(await tryOnce(world, alice.identity, text, settings)).toBe("none");
    expect(await tryOnce(world, await newcomer(platform), text, settings)).toBe("invite_refused");
    const said = [
      ...tap.said.map(({ message }) => String(message)),
      inspect([told, bob.events], { depth: 10 }),
    ];
    expect(said.join()).toContain("invite");
    for (const spelled of [text, ...spellingsOf(readInvite(text).key)])
      expect(said.join()).not.toContain(spelled);
    await world.close();
  });

  test("that eve, who has overheard all of a handshake, cannot use, nor turn against who was invited", async () => {
    const { world, platform } = await openLab("eve in the middle", { admission: byInvite });
    const bob = world.receiver;
    const [carol, eve] = [await newcomer(platform), await newcomer(platform)];
    const [hers, eves] = [await invite(bob), await invite(bob)];
    // She puts an invite of her own in place of carol's: it is not made for carol, and stays hers.
    let shown: unknown;
    const swap: TapRule = ({ message }) => {
      const said = JSON.parse(String(message));
      if (said.type !== "connect") return [message];
      if (shown === undefined) {
        shown = said.invite;
        return [];
      }
      return [JSON.stringify({ ...said, invite: shown })];
    };
    const { dial } = tapDial(world.dial, swap);
    const overheard = guest(world, eve, eves.text, { dial });
    const outcome = codeOf(overheard.connect());
    expect(await eventually(() => shown !== undefined)).toBe(true);
    await overheard.disconnect();
    expect(await outcome).toBe("connection_closed");
    expect(await tryOnce(world, carol, hers.text, { dial })).toBe("invite_refused");
    // She takes it out: carol is refused, and her invite is whole.
    const without: TapRule = ({ message }) => {
      const { invite: _, ...said } = JSON.parse(String(message));
      return [JSON.stringify(said)];
    };
    const stripped = tapDial(world.dial, without).dial;
    expect(await tryOnce(world, carol, hers.text, { dial: stripped })).toBe("invite_refused");
    for (const made of [hers, eves]) expect(await keptOf(bob, made)).toEqual({ expires: made.expires });
    expect(await tryOnce(world, carol, hers.text)).toBe("none");
    await world.close();
  });
});

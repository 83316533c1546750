import { expect, test } from "vitest";
import { KeysagaError } from "../../src/base/index.js";
import type { RecordText } from "../../src/ibgib/index.js";
import { createReceiver, type Identity, type NewInvite, type Platform } from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import {
  createWorld,
  seededPlatform,
  type TapRule,
  tapDial,
  type World,
  type WorldOptions,
} from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { withWrongSignature } from "../protocol/faults.js";
import { type AroundCall, codeOf, contentsOf, spaceWith } from "../protocol/lab.js";
import { byInvite, guest, invite, newcomer, tryOnce } from "./cast.js";
import { eventually, settled } from "../waiting.js";
import { turnTime } from "../turn-time.js";

/** A receiver that admits by invite, with a good invite and somebody who has it. */
interface Scene {
  readonly world: World;
  readonly platform: Platform;
  readonly made: NewInvite;
  readonly carol: Identity;
  /** Asked in front of each call of the receiver's space. */
  readonly store: { before: AroundCall };
  /** The receiver's clock goes so far ahead of the wall's. */
  readonly clock: { ahead: number };
}

/** How a try fails: what the receiver saw, and what the sender was told. */
interface Failure {
  readonly seen: string;
  readonly told: string;
  readonly options?: Pick<WorldOptions, "limits">;
  /** Tries once; throws what the sender was told. */
  readonly go: (scene: Scene) => Promise<unknown>;
}

/** Whatever is put in its way, a message is altered as JSON. */
const altering =
  (type: string, alter: (message: Record<string, unknown>) => unknown): TapRule =>
  ({ message }) => {
    if (typeof message !== "string" || JSON.parse(message).type !== type) return [message];
    const altered = alter(JSON.parse(message));
    return altered === undefined ? [] : [JSON.stringify(altered)];
  };

const connect = ({ world }: Scene, identity: Identity, shown: string | undefined, rule: TapRule) =>
  attempt(guest(world, identity, shown, { dial: tapDial(world.dial, rule).dial }));

async function attempt(sender: ReturnType<typeof guest>, signal?: AbortSignal): Promise<void> {
  try {
    await sender.connect(signal && { signal });
  } finally {
    await sender.disconnect();
  }
}

type Proof = { readonly lane: RecordText; readonly frame: RecordText };

/** What carol would say, overheard and kept from the receiver. */
async function overheard(scene: Scene): Promise<{ readonly invite: unknown; readonly proof: Proof }> {
  let said: Record<string, unknown> | undefined;
  const withhold = altering("connect", (message) => {
    said = message;
    return undefined;
  });
  const sender = guest(scene.world, scene.carol, scene.made.text, {
    dial: tapDial(scene.world.dial, withhold).dial,
  });
  const outcome = codeOf(sender.connect());
  expect(await eventually(() => said !== undefined)).toBe(true);
  await sender.disconnect();
  expect(await outcome).toBe("connection_closed");
  return { invite: said?.["invite"], proof: said?.["proof"] as Proof };
}

const flipped = (hex: string) => (hex.startsWith("0") ? "1" : "0") + hex.slice(1);

const failures: Readonly<Record<string, Failure>> = {
  "a MAC that is not right": {
    seen: "invite_refused wrong mac",
    told: "invite_refused",
    go: (scene) =>
      connect(
        scene,
        scene.carol,
        scene.made.text,
        altering("connect", ({ invite: shown, ...message }) => {
          const { id, mac } = shown as { id: string; mac: string };
          return { ...message, invite: { id, mac: flipped(mac) } };
        }),
      ),
  },
  "an id that was never given out": {
    seen: "invite_refused unknown",
    told: "invite_refused",
    go: (scene) =>
      connect(
        scene,
        scene.carol,
        scene.made.text,
        altering("connect", ({ invite: shown, ...message }) => {
          const { id, mac } = shown as { id: string; mac: string };
          return { ...message, invite: { id: flipped(id), mac } };
        }),
      ),
  },
  "what was shown in another handshake": {
    seen: "invite_refused wrong mac",
    told: "invite_refused",
    async go(scene) {
      const { invite: shown } = await overheard(scene);
      const rule = altering("connect", (message) => ({ ...message, invite: shown }));
      await connect(scene, scene.carol, scene.made.text, rule);
    },
  },
  "what somebody else has shown": {
    seen: "invite_refused wrong mac",
    told: "auth_fail", // eve has no invite of her own that could be at fault
    async go(scene) {
      const { invite: shown } = await overheard(scene);
      const rule = altering("connect", (message) => ({ ...message, invite: shown }));
      await connect(scene, await newcomer(scene.platform), undefined, rule);
    },
  },
  "an invite that is no invite": {
    seen: "malformed_message",
    told: "invite_refused",
    go: (scene) =>
      connect(
        scene,
        scene.carol,
        scene.made.text,
        altering("connect", (message) => ({ ...message, invite: { id: "__proto__", mac: "" } })),
      ),
  },
  "no proof of the session": {
    seen: "wrong_solution",
    told: "invite_refused",
    go: (scene) =>
      connect(
        scene,
        scene.carol,
        scene.made.text,
        altering("connect", ({ proof, ...message }) => {
          const { frame, ...rest } = proof as Proof;
          return { ...message, proof: { ...rest, frame: withWrongSignature(frame) } };
        }),
      ),
  },
  "a lane that vouches for another session": {
    seen: "frame_refused",
    told: "invite_refused",
    async go(scene) {
      const other = await overheard(scene);
      const rule = altering("connect", ({ proof, ...message }) => {
        return { ...message, proof: { ...(proof as Proof), lane: other.proof.lane } };
      });
      await connect(scene, scene.carol, scene.made.text, rule);
    },
  },
  "another audience": {
    seen: "wrong_audience",
    told: "auth_fail",
    go: ({ world, carol, made }) => attempt(guest(world, carol, made.text, { audience: "wss://elsewhere" })),
  },
  "an invite that has expired": {
    seen: "invite_refused expired",
    told: "invite_refused",
    async go({ world, carol, made, clock }) {
      clock.ahead = 60 * 60_000;
      await attempt(guest(world, carol, made.text)).finally(() => {
        clock.ahead = 0;
      });
    },
  },
  "a store that cannot write": {
    seen: "store_failed",
    told: "connection_lost",
    async go({ world, carol, made, store }) {
      store.before = (method) => {
        if (method === "commit") throw new KeysagaError("store_failed");
      };
      await attempt(guest(world, carol, made.text));
    },
  },
  "a store that cannot read": {
    seen: "store_failed",
    told: "connection_lost",
    async go({ world, carol, made, store }) {
      store.before = (method) => {
        if (method === "cell") throw new KeysagaError("store_failed");
      };
      await attempt(guest(world, carol, made.text));
    },
  },
  "a connect that never comes": {
    seen: "handshake_timeout",
    told: "connection_lost",
    go: (scene) =>
      connect(
        scene,
        scene.carol,
        scene.made.text,
        altering("connect", () => undefined),
      ),
  },
  "a sender that cancels while it is judged": {
    seen: "",
    told: "aborted",
    async go({ world, carol, made, store }) {
      const cancel = new AbortController();
      let reads = 0;
      let goOn = () => undefined as unknown;
      store.before = (method) => {
        // After what is known of I and of L: what is kept of admissions.
        if (method !== "cell" || ++reads < 2) return undefined;
        cancel.abort();
        return new Promise<void>((resolve) => {
          goOn = resolve;
        });
      };
      const outcome = attempt(guest(world, carol, made.text), cancel.signal);
      await outcome.catch(() => undefined);
      await settled(); // the receiver has seen it, and waits for its store
      goOn();
      await outcome;
    },
  },
  "no room for another identity": {
    seen: "limit_exceeded",
    told: "invite_refused",
    options: { limits: { identitiesMax: 0 } },
    go: ({ world, carol, made }) => attempt(guest(world, carol, made.text)),
  },
  "an identity that was expelled": {
    seen: "not_admitted",
    told: "invite_refused",
    async go({ world, carol, made }) {
      await world.answering.expel(carol.address);
      await attempt(guest(world, carol, made.text));
    },
  },
  "a receiver of the same home that does not admit by invite": {
    seen: "not_admitted",
    told: "invite_refused",
    async go({ world, carol, made, platform }) {
      const { identity, events } = world.receiver;
      const strict = await createReceiver({
        identity,
        audiences: [world.audience],
        admission: { kind: "allow-list", identities: [] },
        onEvent: (event) => events.push(event),
        platform,
      });
      const { listen, dial } = createInnerspace(platform);
      listen((connection) => strict.accept(connection));
      await attempt(guest(world, carol, made.text, { dial })).finally(() => strict.close());
    },
  },
};

for (const [name, failure] of Object.entries(failures)) {
  test(`a try that fails leaves the invite whole: ${name} (threat 4)`, async () => {
    const scene = await openScene(name, failure.options);
    const { world, made, store, platform } = scene;
    const bob = world.receiver;
    const before = await contentsOf(bob.space);

    expect(await codeOf(failure.go(scene))).toBe(failure.told);
    store.before = () => undefined;
    expect(await eventually(() => world.answering.sessionCount === 0)).toBe(true);
    const end = bob.events.findLast((event) => event.kind === "closed");
    const error = end?.kind === "closed" ? end.error : undefined;
    const seen = [error?.code, error?.facts["reason"]].filter((word) => word !== undefined).join(" ");
    expect(seen).toBe(failure.seen);
    // Nothing is kept: no frame, no session, and the invite as it was.
    const after = await contentsOf(bob.space);
    const withoutExpelled = (lines: readonly string[]) =>
      lines.filter((line) => !line.startsWith("cell admission/"));
    expect(withoutExpelled(after.proofs)).toEqual(before.proofs);
    expect(after.graph).toEqual(before.graph);

    // Somebody else gets in by it, unless there is no room at all.
    if (failure.options?.limits?.identitiesMax !== 0)
      expect(await tryOnce(world, await newcomer(platform), made.text)).toBe("none");
    await world.close();
  });
}

async function openScene(seed: string, options: Failure["options"]): Promise<Scene> {
  const clock = { ahead: 0 };
  const time = turnTime(1);
  const ahead = { ...time.clock, now: () => time.clock.now() + clock.ahead };
  const platform = { ...seededPlatform(seed), timers: time.timers, clock: ahead };
  const store: Scene["store"] = { before: () => undefined };
  const world = await createWorld({
    platform,
    admission: byInvite,
    senders: [],
    space: () => spaceWith(new InnerSpace(), { before: (method) => store.before(method) }),
    ...options,
  });
  const made = await invite(world.receiver, { platform });
  return { world, platform, made, carol: await newcomer(platform), store, clock };
}

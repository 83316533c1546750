/** What others say of somebody is no work for that one. */
import { expect, test } from "vitest";
import { InnerSpace, type Space } from "../../src/space/index.js";
import { createWorld, type SenderPeer } from "../../src/testing/index.js";

/** Tells of each call, with how much it gave. */
function watched(inner: Space, tell: (call: string) => void): Space {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const found: unknown = Reflect.apply(value, target, args);
        if (!(found instanceof Promise)) return found;
        return found.then((given: unknown) => {
          tell(`${String(name)} ${Array.isArray(given) ? given.length : 1}`);
          return given;
        });
      };
    },
  });
}

/** What the receiver reads and writes where alice syncs an edit, once carol has shared so many timelines with her. */
async function callsOf(shared: number): Promise<readonly string[]> {
  const calls: string[] = [];
  let spaces = 0;
  const world = await createWorld({
    seed: "told",
    senders: ["alice", "carol"],
    space: () => (spaces++ === 0 ? watched(new InnerSpace(), (call) => calls.push(call)) : new InnerSpace()),
  });
  const [alice, carol] = world.senders as [SenderPeer, SenderPeer];
  const note = await alice.timeline("note");
  await alice.sync(note);
  const told = [];
  for (let at = 0; at < shared; at++) {
    const timeline = await carol.timeline(`told ${at}`);
    await carol.share(timeline, alice, at % 2 === 0 ? "read" : "write");
    told.push(timeline);
  }
  if (shared > 0) await carol.sync(told);
  await alice.sender.disconnect();
  await alice.edit(note, { text: "edited" });
  calls.length = 0;
  await alice.sync(note);
  const found = [...calls].sort();
  await world.close();
  return found;
}

test("whatever others have shared with somebody, that one's own syncs cost the same", async () => {
  const [none, many] = [await callsOf(0), await callsOf(30)];
  expect(many).toEqual(none);
  expect(none.length).toBeGreaterThan(10);
});

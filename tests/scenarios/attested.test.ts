import { expect, test, vi } from "vitest";
import { type Address, gibOf, type IbGib, sealRecord } from "../../src/ibgib/index.js";
import { type CellValue, cellKinds, changeCell, readCell, removeCell } from "../../src/peer/home/cells.js";
import {
  attestationOf,
  createReceiver,
  createSender,
  evidenceFor,
  systemPlatform,
} from "../../src/peer/index.js";
import type { Conversation } from "../../src/peer/session/conversation.js";
import type { MadeFrame } from "../../src/saga/index.js";
import { createWorld, type Peer, type ReceiverPeer, type SenderPeer } from "../../src/testing/index.js";
import { createInnerspace } from "../../src/transport/index.js";
import { contentsOf } from "../protocol/lab.js";
import { expectSettled, sharedNote } from "./divergence.js";
import { type Cast, scenario } from "./scenario.js";
import { expectInStep } from "./turns.js";

/** Heads that whoever commits next answers for beside its own. */
const claimed = vi.hoisted(() => ({ heads: [] as readonly MadeFrame[] }));

vi.mock("../../src/peer/session/conversation.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/peer/session/conversation.js")>();
  class Claiming extends original.Conversation {
    override sign(draft: Parameters<Conversation["sign"]>[0]) {
      if (draft.type !== "commit") return super.sign(draft);
      const { heads } = claimed;
      claimed.heads = [];
      return super.sign({ ...draft, entries: [...(draft.entries ?? []), ...heads] });
    }
  }
  return { ...original, Conversation: Claiming };
});

/** A note of alice's that carol may read and has read, at two receivers; one of them, eve, has bad intentions. */
async function aliceIsRead({ alice, carol, bob, dave: eve }: Cast): Promise<Address> {
  const note = await alice.timeline("note", { data: { text: "first" } });
  await alice.share(note, carol, "read");
  for (const { name } of [bob, eve]) {
    await alice.sync(note, { at: name });
    await carol.sync(note, { at: name, direction: "pull" });
  }
  return note;
}

/** They sync with eve, whichever way: it ends like this, and nothing of hers is kept. */
async function expectRefused(
  readers: readonly SenderPeer[],
  eve: ReceiverPeer,
  note: Address,
  how: { readonly code: string } | { readonly reason: string; readonly head?: Address },
): Promise<void> {
  const kept = async ({ space }: Peer) => ({
    graph: (await contentsOf(space)).graph,
    attested: await space.cells(cellKinds.attested.prefix),
  });
  for (const reader of readers) {
    const before = await kept(reader);
    for (const direction of ["pull", "both"] as const) {
      const outcome = reader.sync(note, { at: eve.name, direction });
      if ("code" in how) await expect(outcome).rejects.toMatchObject(how);
      else expect((await outcome).left).toMatchObject([{ address: note, ...how }]);
    }
    expect(await kept(reader)).toEqual(before);
  }
}

/** What a space keeps of who signed a frame. */
interface Kept {
  readonly attested: CellValue<"attested">;
  readonly list: CellValue<"list">;
}

async function keptOf({ space }: Peer, frame: Address): Promise<Kept> {
  const attested = (await readCell(space, cellKinds.attested, gibOf(frame))).value!;
  return { attested, list: (await readCell(space, cellKinds.list, attested.list)).value! };
}

/** What eve says of a frame: what somebody has signed for it, she wishes. */
async function pretend({ space, address }: Peer, frame: IbGib, kept: Kept | undefined) {
  const cell = await readCell(space, cellKinds.attested, gibOf(frame.address));
  const list = kept && (await readCell(space, cellKinds.list, kept.attested.list));
  const mark = await readCell(space, cellKinds.made, gibOf(frame.address)); // she wishes that it were not hers
  const said = kept
    ? [changeCell(cell, kept.attested), ...(list ? [changeCell(list, kept.list)] : [])]
    : [removeCell(cell)];
  const cells = mark.value ? [...said, removeCell(mark)] : said;
  expect(await space.commit({ holder: address, sight: { holders: [] }, cells })).toEqual({
    kind: "committed",
  });
}

scenario(
  "eve invents a frame on alice's timeline: neither carol nor alice takes it (A26) (threat 22)",
  async (cast) => {
    const { alice, carol, dave: eve } = cast;
    const note = await aliceIsRead(cast);
    await eve.edit(note, { text: "by eve" });
    await expectRefused([alice, carol], eve, note, { reason: "may_not_write" });
  },
);

scenario("eve puts another frame in the place of alice's newest", async (cast) => {
  const { alice, carol, bob, dave: eve } = cast;
  const note = await aliceIsRead(cast);
  await alice.edit(note, { text: "second" });
  await alice.sync(note, { at: "bob" });
  await carol.sync(note, { at: "bob" });
  await eve.edit(note, { text: "second, so eve says" });
  await expectRefused([alice, carol], eve, note, { reason: "may_not_write" });
  await expectInStep(carol, bob, [note]);
});

scenario("eve lets somebody write whom alice has not let: it is erin's, and erin may not", async (cast) => {
  const { alice, carol, erin, dave: eve } = cast;
  const note = await aliceIsRead(cast);
  await alice.share(note, erin, "read");
  await alice.sync(note, { at: "bob" });
  await erin.sync(note, { at: "bob", direction: "pull" });
  const edit = await erin.edit(note, { text: "by erin" });

  const audience = "innerspace://lax";
  const lax = await createReceiver({
    identity: eve.identity,
    audiences: [audience],
    admission: { kind: "open" },
    access: "open",
  });
  const { listen, dial } = createInnerspace(systemPlatform);
  listen((connection) => lax.accept(connection));
  const sender = createSender({ identity: erin.identity, dial, audience, access: "open" });
  await sender.sync([note]);
  await sender.disconnect();
  await lax.close();
  expect((await attestationOf(eve.space, edit.address))?.identity).toBe(erin.address);
  await expectRefused([alice, carol], eve, note, { reason: "may_not_write", head: edit.address });
});

scenario("eve shows for her frame what alice has signed for others (A26) (threat 22)", async (cast) => {
  const { alice, carol, dave: eve } = cast;
  const note = await aliceIsRead(cast);
  const other = await alice.timeline("list");
  await alice.sync(other, { at: eve.name });
  const invented = await eve.edit(note, { text: "by eve" });
  for (const timeline of [note, other]) {
    const real = await keptOf(eve, timeline);
    const entry = { tjp: note, frame: invented.address };
    for (const list of [
      { ...real.list, all: [entry] },
      { ...real.list, all: [...real.list.all!, entry] },
    ]) {
      await pretend(eve, invented, { ...real, list });
      await expectRefused([alice, carol], eve, note, { code: "attestation_refused" });
      await pretend(eve, invented, real);
    }
    await expectRefused([alice, carol], eve, note, { reason: "not_proved" });
  }
});

scenario("eve leaves out what proves that alice's frame is alice's", async (cast) => {
  const { alice, carol, dave: eve } = cast;
  const note = await aliceIsRead(cast);
  const edit = await alice.edit(note, { text: "second" });
  await alice.sync(note, { at: eve.name });
  const real = await keptOf(eve, edit.address);
  await pretend(eve, edit, undefined);
  await expectRefused([carol], eve, note, { reason: "not_proved" });
  await pretend(eve, edit, real);
  await carol.sync(note, { at: eve.name });
  await expectInStep(carol, eve, [note]);
});

scenario(
  "eve merges what others have signed, but not as it is to be merged (A31) (threat 22)",
  async (cast) => {
    const { alice, carol, erin, dave: eve } = cast;
    const note = await sharedNote({ text: "shared" }, [alice, carol, erin], [cast.bob, eve]);
    await alice.edit(note, { title: "by alice" });
    await carol.edit(note, { body: "by carol" });
    await alice.sync(note, { at: eve.name });
    await carol.sync(note, { at: eve.name });
    const { ib, data, rel8ns, address: merged } = await eve.tip(note);

    const serve = async (from: Address, added: object) => {
      const frame = sealRecord({ ib, data: { ...data, ...added }, ...(rel8ns && { rel8ns }) });
      const move = { tjp: note, from, to: frame.address };
      const { address: holder, space } = eve;
      const kept = await space.commit({ holder, sight: "anyone", puts: [frame], tips: [move] });
      expect(kept).toEqual({ kind: "committed" });
      return frame.address;
    };
    const altered = await serve(merged, { text: "by eve" });
    await expectRefused([alice, erin], eve, note, { code: "merge_refused" });
    // Nobody answers for this one: its heads are asked in its place.
    await serve(altered, { text: "by eve", merge: { function: "eve", version: 1 } });
    for (const reader of [erin, alice]) {
      expect(await reader.sync(note, { at: eve.name })).toMatchObject({ left: [] });
      expect((await reader.tip(note)).address).toBe(merged);
    }
  },
);

test("who may only read passes on who wrote what, through a second receiver and a third", async () => {
  const receivers = ["bob", "dave", "frank"] as const;
  const world = await createWorld({ receivers, senders: ["alice", "carol", "erin"], seed: "passed on" });
  const [alice, carol, erin] = [world.senders[0]!, world.senders[1]!, world.senders[2]!];
  const note = await alice.timeline("note");
  for (const reader of [carol, erin]) await alice.share(note, reader, "read");
  for (const at of receivers) await alice.sync(note, { at }); // only she brings the list of readers
  for (const reader of [carol, erin]) await reader.sync(note, { at: "bob", direction: "pull" });
  const edit = await alice.edit(note, { text: "by alice" });
  await alice.sync(note, { at: "bob" });

  await carol.sync(note, { at: "bob" });
  await carol.sync(note, { at: "dave" });
  await erin.sync(note, { at: "dave" });
  await erin.sync(note, { at: "frank" });
  for (const peer of [carol, erin, ...world.receivers]) {
    expect((await peer.tip(note)).address).toBe(edit.address);
    expect((await attestationOf(peer.space, edit.address))?.identity).toBe(alice.address);
    expect(await evidenceFor(peer.space, [edit.address])).toEqual(
      await evidenceFor(world.receiver.space, [edit.address]),
    );
  }
  await expectSettled(world.senders, world.receivers, [note]);
  await world.close();
});

scenario("what was signed first for a head stays, whatever comes later", async (cast) => {
  const { alice, carol, erin, bob, dave } = cast;
  const note = await sharedNote({}, [alice, carol, erin], [bob, dave]);
  const edit = await alice.edit(note, { title: "by alice" });
  await alice.sync(note, { at: "bob" });
  await alice.sync(note, { at: "dave" });
  await carol.sync(note, { at: "bob" });
  const first = await attestationOf(carol.space, edit.address);
  expect(first).toEqual(await attestationOf(bob.space, edit.address));

  await erin.edit(note, { body: "by erin" });
  await erin.sync(note, { at: "dave" });
  await carol.sync(note, { at: "dave" }); // comes with what alice has signed to dave
  expect(await carol.tip(note)).toEqual(await dave.tip(note));
  expect(await attestationOf(carol.space, edit.address)).toEqual(first);
});

scenario("nobody can answer for a head that its commit does not add", async (cast) => {
  const { alice, carol, bob } = cast;
  const note = await sharedNote({}, [alice, carol], [bob]);
  const edit = await alice.edit(note, { text: "by alice" });
  await carol.edit(note, { text: "by carol" });
  claimed.heads = [{ tjp: note, frame: edit.address }];
  await carol.sync(note);
  expect(claimed.heads).toEqual([]);
  await alice.sync(note);
  expect((await attestationOf(bob.space, edit.address))?.identity).toBe(alice.address);
});

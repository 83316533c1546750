/** The least that a page needs to sync: an identity, a record, a sender. What its bundle weighs is held by a test. */
import { createIdentity, createSender, createTimeline, InnerSpace, saveRecords } from "keysaga";

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const me = await createIdentity({ space: new InnerSpace(), secret: random(32), recoverySecret: random(32) });
const note = createTimeline({ ib: "note", owner: me.address, uuid: crypto.randomUUID() });
await saveRecords(me, [note]);
await createSender({ identity: me, url: "wss://example.org" }).sync([note.address]);

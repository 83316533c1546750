/**
 * What the browser test runs in a page: two people in a browser push to a real receiver, share, pull and merge over the
 * page's own WebSocket, with the portable side of the crypto seam. The page tells its outcome to the server that it came
 * from.
 */
import {
  createIdentity,
  createSender,
  createTimeline,
  InnerSpace,
  mutate,
  openIdentity,
  saveRecords,
  share,
} from "keysaga";

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

async function story(url: string) {
  const secret = random(32);
  const space = new InnerSpace();
  await createIdentity({ space, secret, recoverySecret: random(32) });
  const me = await openIdentity({ space, secret });
  const first = createTimeline({
    ib: "note",
    data: { text: "from a page" },
    owner: me.address,
    uuid: "page",
  });
  const note = first.address;
  const frames = [first];
  for (let i = 0; i < 300; i++) frames.push(mutate(frames.at(-1) ?? first, { edit: i }));
  await saveRecords(me, frames);

  const sender = createSender({ identity: me, url });
  const pushed = await sender.sync([note]);

  const other = new InnerSpace();
  const friend = await createIdentity({ space: other, secret: random(32), recoverySecret: random(32) });
  await share(me, { timeline: note, with: friend.address, access: "write" });
  await sender.sync([note]);
  const friends = createSender({ identity: friend, url });
  const pulled = await friends.sync([note], { direction: "pull" });

  await saveRecords(me, [mutate(frames.at(-1) ?? first, { mine: true })]);
  await saveRecords(friend, [mutate(frames.at(-1) ?? first, { theirs: true }, { by: friend.address })]);
  for (const each of [sender, friends, sender]) await each.sync([note]);
  await Promise.all([sender.disconnect(), friends.disconnect()]);
  const [tip, theirs] = [await space.tip(note), await other.tip(note)];
  const isSame = tip !== undefined && tip.address === theirs?.address;
  const said = tip && (await space.get(tip.address))?.data;
  return { note, tip, isSame, said, up: pushed.totals.up.records, down: pulled.totals.down.records };
}

const url = new URLSearchParams(location.search).get("receiver") ?? "";
const outcome = await story(url).catch((error: unknown) => ({ error: String(error) }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });

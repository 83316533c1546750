/**
 * What the browser test runs in a page: a sender in a browser syncs with a real receiver over the page's own
 * WebSocket, with the portable side of the crypto seam. The page tells its outcome to the server that it came from.
 */
import {
  createIdentity,
  createSender,
  createTimeline,
  InnerSpace,
  mutate,
  openIdentity,
  saveRecords,
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
  const frames = [first];
  for (let i = 0; i < 300; i++) frames.push(mutate(frames.at(-1) ?? first, { edit: i }));
  await saveRecords(me, frames);

  const sender = createSender({ identity: me, url });
  const pushed = await sender.sync([first.address]);
  await sender.disconnect();

  const other = new InnerSpace();
  const reader = await createIdentity({ space: other, secret: random(32), recoverySecret: random(32) });
  const pulling = createSender({ identity: reader, url });
  const pulled = await pulling.sync([first.address], { direction: "pull" });
  await pulling.disconnect();
  const tip = await other.tip(first.address);
  return { note: first.address, tip, up: pushed.totals.up.records, down: pulled.totals.down.records };
}

const url = new URLSearchParams(location.search).get("receiver") ?? "";
const outcome = await story(url).catch((error: unknown) => ({ error: String(error) }));
await fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });

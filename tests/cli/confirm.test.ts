/** A home that has met receivers asks one of them whether it is up to date, before its identity signs. */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { share } from "../../src/cli/commands/share.js";
import { sync } from "../../src/cli/commands/sync.js";
import { unshare } from "../../src/cli/commands/unshare.js";
import { createReceiver } from "../../src/index.js";
import { createHome, openHome, serve } from "../../src/node/index.js";
import { start } from "./command.js";
import { temporaryDirectory, writeTree } from "./directories.js";
import { runHere } from "./receiver.js";

const bob = `keystone.identity^${"B".repeat(64)}`;

/** A receiver of its own home, in this process. */
async function receiver(dir: string, name: string, port = 0) {
  const home = join(dir, name);
  await createHome({ dir: home }).catch(() => undefined);
  const { identity, close } = await openHome({ dir: home, signUnconfirmed: true });
  const server = await serve({
    host: "127.0.0.1",
    port,
    receiver: (url) => createReceiver({ identity, audiences: [url], admission: { kind: "open" } }),
  });
  return {
    url: server.url,
    async stop() {
      await server.close();
      await close();
    },
  };
}

/** Alice, whose notes were synced with a first receiver. */
async function aliceWithNotes() {
  const dir = await temporaryDirectory();
  const [home, notes] = [join(dir, "alice"), join(dir, "notes")];
  await createHome({ dir: home });
  await writeTree(notes, { "a.md": "1" });
  const first = await receiver(dir, "first");
  await runHere(sync, notes, first.url, "--home", home);
  return { dir, home, notes, first };
}

const unconfirmed = { code: "tip_unconfirmed" };

test("share and unshare ask nobody: a list needs no keystone", async () => {
  const { home, notes, first } = await aliceWithNotes();
  const at = ["--home", home];
  await first.stop();
  expect(await runHere(share, notes, bob, ...at)).toMatchObject({ exitCode: 0 });
  expect(await runHere(unshare, notes, bob, ...at)).toMatchObject({ exitCode: 0 });
});

test("sync with a second receiver asks the first", async () => {
  const { dir, home, notes, first } = await aliceWithNotes();
  const [second, third] = [await receiver(dir, "second"), await receiver(dir, "third")];
  expect(await runHere(sync, notes, second.url, "--home", home)).toMatchObject({ exitCode: 0 });
  await Promise.all([first.stop(), second.stop()]);
  const toThird = [notes, third.url, "--home", home];
  await expect(runHere(sync, ...toThird)).rejects.toMatchObject(unconfirmed);
  expect(await runHere(sync, ...toThird, "--unconfirmed")).toMatchObject({ exitCode: 0 });
  await third.stop();
});

test("serve asks once in the life of a home, for its host key", async () => {
  const { home, first } = await aliceWithNotes();
  const args = ["serve", "--home", home, "--port", "0", "--admit", "open"];
  for (const isReachable of [true, false]) {
    if (!isReachable) await first.stop();
    const serving = start(args);
    expect(await serving.firstLine).toContain("ready");
    serving.child.kill("SIGTERM");
    expect(await serving.ended).toMatchObject({ code: 0 });
  }
});

test("a home that was put back from a backup asks all its receivers before its identity signs", async () => {
  const { dir, home, notes, first } = await aliceWithNotes();
  const [second, third] = [await receiver(dir, "second"), await receiver(dir, "third")];
  const at = (server: { readonly url: string }, of: string) => [notes, server.url, "--home", of];
  await runHere(sync, ...at(second, home));
  const backup = join(dir, "backup");
  await cp(home, backup, { recursive: true });
  for (const server of [first, second]) await runHere(sync, ...at(server, home));
  const copies = [join(dir, "one"), join(dir, "other")] as const;
  for (const copy of copies) await cp(backup, copy, { recursive: true });

  expect(await runHere(sync, ...at(third, copies[0]))).toMatchObject({ exitCode: 0 });
  // The first one is met last: it knows all that this copy has signed.
  for (const server of [second, first])
    expect(await runHere(sync, ...at(server, copies[0]))).toMatchObject({ exitCode: 0 });
  await second.stop();
  await expect(runHere(sync, ...at(first, copies[1]))).rejects.toMatchObject({ code: "restored_backup" });
  expect(await runHere(sync, ...at(first, copies[1]), "--unconfirmed")).toMatchObject({ exitCode: 0 });
  await Promise.all([first.stop(), third.stop()]);
});

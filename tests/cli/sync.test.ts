import type { ChildProcess } from "node:child_process";
import { cp, mkdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { clone } from "../../src/cli/commands/clone.js";
import { conflicts } from "../../src/cli/commands/conflicts.js";
import { sync } from "../../src/cli/commands/sync.js";
import type { FolderReport } from "../../src/cli/folder/bring-down.js";
import { withReceiver } from "../../src/cli/folder/exchange.js";
import { syncFolder } from "../../src/cli/folder/sync.js";
import { nOf } from "../../src/index.js";
import { openHome } from "../../src/node/index.js";
import { run, start } from "./command.js";
import { readTree, writeTree } from "./directories.js";
import { filesIn } from "./folders.js";
import { type Person, receiverFor, runHere, shareFolder } from "./receiver.js";

interface Document {
  readonly path: string;
  readonly revisions: readonly { readonly text: string }[];
}

async function realDocuments(): Promise<readonly Document[]> {
  const packed = await readFile(new URL("../vectors/notes/nips-revisions.json.gz", import.meta.url));
  return JSON.parse(gunzipSync(packed).toString()).documents;
}

/** The files at a moment of their history, from 0 (first revisions) to 1 (last ones). */
function filesAt(documents: readonly Document[], moment: number): Record<string, string> {
  return Object.fromEntries(
    documents.map(({ path, revisions }) => {
      const revision = revisions[Math.floor(moment * (revisions.length - 1))];
      return [path, revision?.text ?? ""];
    }),
  );
}

/** Resolves once the process has said `what` on standard error; rejects where it ends without. */
function saidOf({ stderr }: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    stderr?.on("data", (chunk) => {
      said += String(chunk);
      if (said.includes(what)) resolve();
    });
    stderr?.once("end", () => reject(new Error(`ended without ${what}: ${said}`)));
  });
}

// Processes are slow to start on a busy machine.
describe("keysaga sync", () => {
  test("real text, revision by revision: a clone is the same byte for byte, and all stores verify", async () => {
    const { receiver, people, serve } = await receiverFor("alice", "bob");
    const [alice, bob] = people;
    const server = await serve();
    const documents = await realDocuments();
    const moments = 12;
    await mkdir(alice.dir);

    const home = await openHome({ dir: alice.home });
    let last: FolderReport | undefined;
    const expected = new Map<string, Set<string>>();
    await withReceiver(home.identity, { url: server.url }, async (exchange) => {
      for (let moment = 0; moment <= moments; moment++) {
        const files = filesAt(documents, moment / moments);
        await writeTree(alice.dir, files);
        for (const [path, text] of Object.entries(files)) {
          const seen = expected.get(path) ?? new Set();
          expected.set(path, seen.add(text));
        }
        last = await syncFolder(home.identity, alice.dir, exchange);
        expect(last.skipped).toEqual([]);
      }
    });
    const { folder } = last!;
    for (const { path, tip } of await filesIn(home.space, folder))
      expect(nOf(tip), path).toBeGreaterThanOrEqual((expected.get(path)?.size ?? 0) - 1);
    await home.close();

    await shareFolder(alice, server.url, bob);
    const cloned = await run(["clone", server.url, folder, bob.dir, "--home", bob.home, "--json"]);
    expect(cloned).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(cloned.stdout).files).toEqual({ up: 0, down: documents.length, unchanged: 0 });
    expect(await readTree(bob.dir)).toEqual(await readTree(alice.dir));
    const texts = filesAt(documents, 1);
    for (const [path, content] of Object.entries(await readTree(bob.dir)))
      if (content !== "directory") expect(Buffer.from(content, "base64").toString()).toBe(texts[path]);

    expect((await server.stop()).code).toBe(0);
    const verified = await Promise.all(
      [receiver, alice, bob].map(({ home }) => run(["verify", "--home", home])),
    );
    expect(verified.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  test("names what the receiver has no room for, with exit status 3, and sends it once there is room (O2, O3)", async () => {
    const { people, serve } = await receiverFor("alice");
    const [alice] = people;
    const limited = await serve("0", "--limit", "durableBytesPerIdentityMax=200kB");
    const syncTo = (url: string, ...more: string[]) =>
      runHere(sync, alice.dir, url, "--home", alice.home, ...more);
    await writeTree(alice.dir, { "a.md": "1\n" });
    expect((await syncTo(limited.url)).exitCode).toBe(0);
    await writeTree(alice.dir, { "a.md": "2\n", "large.md": "x".repeat(200_000) });
    const left = await syncTo(limited.url);
    expect(left.exitCode).toBe(3);
    expect(left.stdout).toMatch(/^folder .*\n↑ a\.md\n1 up, /);
    expect(left.stderr.split("\n").sort()).toEqual([
      "",
      "left out large.md: the receiver has no room for it; its operator can raise the quota",
    ]);
    const again = await syncTo(limited.url, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ files: { up: 0 } });
    expect(JSON.parse(again.stdout).left).toContainEqual(expect.objectContaining({ path: "large.md" }));
    await limited.stop();
    const { url } = await serve(new URL(limited.url).port);
    const taken = await syncTo(url);
    expect(taken).toMatchObject({ exitCode: 0, stderr: "" });
    expect(taken.stdout).toMatch(/\n↑ large\.md\n1 up, /);
  });

  test("tells what it did, in lines and in JSON", async () => {
    const { dir, people, serve } = await receiverFor("alice");
    const [alice] = people;
    const { url } = await serve();
    const syncOf = ({ dir, home }: Person, ...more: string[]) =>
      runHere(sync, dir, url, "--home", home, ...more);
    await writeTree(alice.dir, { "a.md": "1\n", "sub/b.md": "1\n", "x\\y": "x" });
    await cp(alice.home, join(alice.dir, "sub/home"), { recursive: true });

    const first = await run(["sync", alice.dir, url, "--home", alice.home, "--verbose"]);
    expect(first.code).toBe(3); // a file was left out
    expect(first.stdout).toMatch(
      /^folder folder\^[0-9A-F]{64}\n↑ a\.md\n↑ sub\/b\.md\n2 up, 0 down, 0 unchanged; 4 records, .*, 4 turns, .* s\n$/,
    );
    for (const said of [
      "sender -> receiver | init ",
      "receiver -> sender | receipt ",
      "progress    4 of 4",
      "durable ",
    ])
      expect(first.stderr).toContain(said);
    expect(first.stderr).toContain("left out sub/home: a home of keysaga\n");
    expect(first.stderr).toContain("skipped x\\y: name (backslash); rename it\n");
    const [, folder = ""] = /^folder (\S+)/.exec(first.stdout) ?? [];

    const again = await syncOf(alice, "--json");
    expect(JSON.parse(again.stdout)).toEqual({
      folder,
      files: { up: 0, down: 0, unchanged: 2 },
      skipped: [{ path: "x\\y", reason: "name (backslash)" }],
      outside: [{ path: "sub/home", reason: "a home of keysaga" }],
      ignored: 0,
      left: [],
      conflicts: [],
      records: 0,
      bytes: 0,
      turns: 4,
      seconds: expect.any(Number),
    });

    const copy = { ...alice, dir: join(dir, "copy") };
    const cloned = await runHere(clone, url, folder, copy.dir, "--home", copy.home);
    expect(cloned.stdout).toContain("↓ a.md\n↓ sub/b.md\n0 up, 2 down, 0 unchanged; 0 records, ");
    await writeTree(alice.dir, { "sub/b.md": "here\n" });
    await unlink(`${alice.dir}/a.md`);
    expect((await syncOf(alice)).stdout).toContain("↑ a.md (removed)\n↑ sub/b.md\n2 up, ");
    expect((await syncOf(copy)).stdout).toContain("↓ a.md (removed)\n↓ sub/b.md\n0 up, 2 down, ");

    await unlink(`${alice.dir}/sub/b.md`);
    const emptied = await run(["sync", alice.dir, url, "--home", alice.home]);
    expect(emptied).toMatchObject({ code: 1, stdout: "" });
    expect(emptied.stderr).toMatch(
      /^keysaga: many files are gone .* --remove-missing .* \(gone: 1 of 1\)\n$/,
    );
    expect((await syncOf(alice, "--remove-missing")).stdout).toContain("↑ sub/b.md (removed)\n1 up, ");
  });

  test("one line edited in two directories: exit 3 as long as it is not settled, both values in JSON and in full", async () => {
    const { dir, people, serve } = await receiverFor("alice");
    const [alice] = people;
    const { url } = await serve();
    const copy = { ...alice, dir: join(dir, "copy") };
    const syncOf = ({ dir, home }: Person, ...more: string[]) =>
      runHere(sync, dir, url, "--home", home, ...more);
    await writeTree(alice.dir, { "sub/a.md": "1\n", "b.md": "1\n" });
    const { folder } = JSON.parse((await syncOf(alice, "--json")).stdout);
    await runHere(clone, url, folder, copy.dir, "--home", copy.home);
    await writeTree(alice.dir, { "sub/a.md": "here\n" });
    await writeTree(copy.dir, { "sub/a.md": "there\n", "b.md": "2\n" });
    expect((await syncOf(alice)).exitCode).toBe(0);

    const merged = await run(["sync", copy.dir, url, "--home", copy.home, "--json"]);
    expect(merged).toMatchObject({ code: 3, stderr: "" });
    const { files, conflicts: told } = JSON.parse(merged.stdout);
    expect(files).toMatchObject({ up: 2, unchanged: 0 });
    expect(told).toMatchObject([
      { kind: "edits", path: "sub/a.md", places: [{ path: ["data", "text"], chosen: "lines" }] },
    ]);
    const values = told[0].places[0].values.map(({ value }: { value: string }) => value);
    expect(values.sort()).toEqual(["here", "there"]);
    const after = await syncOf(alice);
    expect(after).toMatchObject({ exitCode: 3, stderr: "" });
    expect(after.stdout).toContain("! sub/a.md: edited on both sides in 1 place\n");
    expect(await readTree(copy.dir)).toEqual(await readTree(alice.dir));

    const shown = await run(["conflicts", alice.dir, "--home", alice.home]);
    expect(shown).toMatchObject({ code: 3, stderr: "" });
    expect(shown.stdout).toMatch(/^sub\/a\.md: edited on both sides in 1 place \(file\^[0-9A-F]{64}\)\n1\. /);
    for (const value of ["here", "there"])
      expect(shown.stdout).toMatch(new RegExp(`\n--- file\\^[0-9A-F.]+\n${value}\n`));
    const plain = await runHere(conflicts, alice.dir, "--home", alice.home, "--json");
    expect(JSON.parse(plain.stdout).conflicts).toEqual(told);

    await writeTree(alice.dir, { "sub/a.md": "here and there\n" });
    for (const place of [alice, copy]) expect((await syncOf(place)).exitCode).toBe(0);
    const none = await runHere(conflicts, copy.dir, "--home", copy.home);
    expect(none).toMatchObject({ exitCode: 0, stdout: "" });
  });

  test("a sync or a receiver that is killed at any moment: the next sync converges", async () => {
    const { people, serve } = await receiverFor("alice", "bob");
    const [alice, bob] = people;
    let server = await serve();
    const kills = Number(process.env["KEYSAGA_KILLS"] ?? 2);
    const documents = await realDocuments();
    for (let kill = 0; kill < kills; kill++) {
      await writeTree(alice.dir, filesAt(documents, kill / kills));
      const args = ["sync", alice.dir, server.url, "--home", alice.home, "--verbose"];
      const { child, ended } = start(args);
      await saidOf(child, ["| payload", "| commit", "| init", "| ack", "| receipt"][(kill >> 1) % 5] ?? "");
      if (kill % 2 === 0) child.kill("SIGKILL");
      else {
        await server.stop("SIGKILL");
        server = await serve(new URL(server.url).port);
      }
      await ended;
    }
    const synced = await run(["sync", alice.dir, server.url, "--home", alice.home, "--json"]);
    expect(synced).toMatchObject({ code: 0, stderr: "" });
    const { folder } = JSON.parse(synced.stdout);
    await shareFolder(alice, server.url, bob);
    await runHere(clone, server.url, folder, bob.dir, "--home", bob.home);
    expect(await readTree(bob.dir)).toEqual(await readTree(alice.dir));
  });

  test("bad input is one line that says what is wrong", async () => {
    const { dir, receiver, people, serve } = await receiverFor("alice");
    const [alice] = people;
    const { url } = await serve();
    await writeTree(alice.dir, { "a.md": "1" });
    const missing = await run(["sync", `${dir}/none`, url, "--home", alice.home]);
    expect(missing).toMatchObject({ code: 1, stdout: "" });
    expect(missing.stderr).toMatch(/^keysaga: there is no such directory [^\n]+\n$/);

    const syncTo = (to: string, ...more: string[]) =>
      runHere(sync, alice.dir, to, "--home", alice.home, ...more);
    await expect(syncTo("http://127.0.0.1:1")).rejects.toMatchObject({ code: "cannot_connect" });
    await expect(syncTo("ws://192.0.2.1:9")).rejects.toMatchObject({ code: "insecure_url" });
    await expect(syncTo(url, "--pin", alice.identity)).rejects.toMatchObject({ code: "receiver_changed" });
    await expect(syncTo(url, "--pin", "alice")).rejects.toThrow("--pin takes an identity");
    await expect(runHere(sync, alice.dir, "--home", alice.home)).rejects.toMatchObject({
      rule: "no_receiver",
    });
    await expect(runHere(sync, alice.dir, url, "--home", `${dir}/none`)).rejects.toMatchObject({
      code: "home_missing",
    });
    expect((await syncTo(url, "--pin", receiver.identity)).exitCode).toBe(0);
  });
});

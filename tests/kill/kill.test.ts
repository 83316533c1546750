/** The command itself, killed while it works: the stories of cycles.test.ts, as a person would meet them. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorTable } from "../../src/base/index.js";
import { createHome } from "../../src/node/index.js";
import { type Ended, type Running, run, start } from "../cli/command.js";
import { temporaryDirectory, writeTree } from "../cli/directories.js";
import { freePort } from "../docs/port.js";

test("a keysaga sync and a keysaga serve that are killed at work: the next sync ends well, and both stores verify", async () => {
  const dir = await temporaryDirectory();
  const [sender, receiver] = [join(dir, "sender"), join(dir, "receiver")];
  for (const home of [sender, receiver]) await createHome({ dir: home });
  const port = String(await freePort());
  const sync = ["sync", join(dir, "folder"), `ws://127.0.0.1:${port}`, "--home", sender, "--verbose"];

  await writeTree(join(dir, "folder"), texts("first"));
  const server = await serve(receiver, port);
  const killed = start(sync);
  await said(killed, "| payload");
  expect((await kill(killed)).signal).toBe("SIGKILL");

  await writeTree(join(dir, "folder"), texts("second"));
  const cutOff = start(sync);
  await said(cutOff, "| init");
  await kill(server);
  const { code, stderr } = await cutOff.ended;
  if (code !== 0) expect(stderr).toContain(errorTable.connection_lost.text); // else it was faster

  const again = await serve(receiver, port);
  expect(await run(sync)).toMatchObject({ code: 0 });
  again.child.kill("SIGTERM");
  expect(await again.ended).toMatchObject({ code: 0 });
  for (const home of [sender, receiver]) {
    const verified = await run(["verify", "--home", home]);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("all in order") });
  }
});

async function serve(home: string, port: string): Promise<Running> {
  const running = start(["serve", "--home", home, "--admit", "open", "--port", port]);
  await running.firstLine;
  return running;
}

function kill({ child, ended }: Running): Promise<Ended> {
  child.kill("SIGKILL");
  return ended;
}

/** Resolves when the process has printed `text`, on either stream, or has ended. */
function said({ child, ended }: Running, text: string): Promise<unknown> {
  const printed = [child.stdout, child.stderr].map(
    (stream) =>
      new Promise<void>((resolve) => {
        let all = "";
        stream?.on("data", (chunk: Buffer) => {
          all += chunk;
          if (all.includes(text)) resolve();
        });
      }),
  );
  return Promise.race([...printed, ended]);
}

const texts = (line: string) =>
  Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`notes/${i}.md`, `note ${i}\n${`${line}\n`.repeat(200)}`]),
  );

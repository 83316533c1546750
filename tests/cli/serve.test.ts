import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import {
  createIdentity,
  createSender,
  dialWebSocket,
  InnerSpace,
  type PeerEvent,
  saveRecords,
  sealRecord,
} from "../../src/index.js";
import { createHome } from "../../src/node/index.js";
import { systemPlatform } from "../../src/peer/index.js";
import { tapDial } from "../../src/testing/index.js";
import { nameOf } from "../protocol/faults.js";
import { run, start } from "./command.js";
import { temporaryDirectory } from "./directories.js";

async function home() {
  const dir = join(await temporaryDirectory(), "home");
  const { address } = await createHome({ dir });
  return { dir, address };
}

/** Serves a home on a free port. */
async function serving(dir: string, ...options: string[]) {
  const running = start(["serve", "--home", dir, "--port", "0", ...options]);
  const line = await running.firstLine;
  return { ...running, line, url: /wss?:\/\/[^\s"]+/.exec(line)?.[0] ?? "" };
}

async function sender(url: string) {
  const identity = await createIdentity({
    space: new InnerSpace(),
    secret: systemPlatform.random.bytes(32),
    recoverySecret: systemPlatform.random.bytes(32),
  });
  const dial = dialWebSocket(url, { timers: systemPlatform.timers });
  const made = createSender({ identity, audience: new URL(url).origin, dial });
  onTestFinished(() => made.disconnect());
  return { identity, connect: () => made.connect(), disconnect: () => made.disconnect() };
}

describe("keysaga serve", () => {
  test("prints one ready line, exactly when a sender can connect, and ends with 0 on SIGTERM", async () => {
    const { dir, address } = await home();
    const { line, url, child, ended } = await serving(dir, "--admit", "open");
    const alice = await sender(url);
    await alice.connect();
    expect(line).toBe(`keysaga receiver ready at ${url} as ${address}`);
    const bob = await sender(url.replace("127.0.0.1", "localhost"));
    await bob.connect();
    await bob.disconnect();
    child.kill("SIGTERM");
    const end = await ended;
    expect(end).toMatchObject({ code: 0, signal: null, stdout: `${line}\n` });
    const { address: proved } = alice.identity;
    const lines = end.stderr.trimEnd().split("\n");
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z 127\.0\.0\.1 /);
    expect(lines[0]?.slice(25)).toBe(`127.0.0.1 connected ${proved}`);
  });

  test("--json prints objects; SIGINT ends it as well; whom it does not admit it refuses", async () => {
    const { dir, address } = await home();
    const { line, url, child, ended } = await serving(dir, "--json");
    expect(JSON.parse(line)).toEqual({ event: "ready", url, identity: address });
    const alice = await sender(url);
    const { address: alices } = alice.identity;
    await expect(alice.connect()).rejects.toMatchObject({
      code: "auth_fail",
      facts: { identity: alices, dialled: url },
    });
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(0);
    const [warning, ...log] = stderr.trimEnd().split("\n");
    expect(warning).toBe("nobody can sync yet: name whom to admit with --allow");
    expect(log.map((text) => JSON.parse(text))).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        event: "failed",
        from: "127.0.0.1",
        identity: alices,
        code: "not_admitted",
        cause: expect.stringContaining(`keysaga admit ${alices} lets it in`),
      },
    ]);
  });

  test("says what was dialled, and marks who is only claimed; what others chose is quoted and bounded", async () => {
    const { dir } = await home();
    const { url, child, ended } = await serving(dir, "--admit", "open", "--json");
    const dialled = ["wss://sync.example", `ws://x\n\u001b[31m${"y".repeat(200)}`];
    const { identity } = await sender(url);
    const dial = dialWebSocket(url, { timers: systemPlatform.timers });
    for (const audience of dialled)
      await expect(createSender({ identity, audience, dial }).connect()).rejects.toMatchObject({
        code: "auth_fail",
      });
    child.kill("SIGTERM");
    const log = (await ended).stderr.trimEnd().split("\n");
    const [one, two] = log.map((text) => JSON.parse(text));
    expect(one).toMatchObject({ event: "failed", code: "wrong_audience", claimed: identity.address });
    expect(one.cause).toContain(`dialled "wss://sync.example", and this receiver answers for ${url} `);
    expect(one.cause).toContain("serve with --audience wss://sync.example,");
    expect(two.cause).toContain("--audience ORIGIN");
    expect(two.cause.length).toBeLessThan(500);
    for (const { identity: proved } of [one, two]) expect(proved).toBeUndefined();
    expect(log.join("")).not.toMatch(/\\n|u001b/);
  });

  test("--origin lets pages of an origin connect, and the log names one that may not", async () => {
    const { dir } = await home();
    const { url, child, ended } = await serving(dir, "--admit", "open", "--origin", "http://localhost:5173/");
    const from = async (origin: string) => {
      const page = new WebSocket(url, ["keysaga.v1"], { headers: { origin } });
      onTestFinished(() => page.terminate());
      return once(page, "message").then(
        ([text]) => JSON.parse(String(text)).type,
        (error: unknown) => String(error),
      );
    };
    expect(await from("http://localhost:5173")).toBe("hello");
    expect(await from("https://app.example")).toContain("403");
    child.kill("SIGTERM");
    expect((await ended).stderr).toMatch(
      /refused: origin: a page of origin "https:\/\/app\.example" may not connect; .* --origin https:\/\/app\.example$/m,
    );
  });

  test("--limit sets a limit, and one that is exceeded is named in the log with its value", async () => {
    const { dir } = await home();
    const limits = ["--limit", "newIdentitiesPerHour=1", "--limit", "idleTimeoutMs=1h"];
    const { url, child, ended } = await serving(dir, "--admit", "open", ...limits);
    await (await sender(url)).connect();
    const second = await sender(url);
    await expect(second.connect()).rejects.toMatchObject({ code: "auth_fail" });
    child.kill("SIGTERM");
    expect((await ended).stderr).toContain(
      `failed ${second.identity.address}: limit_exceeded: the limit newIdentitiesPerHour of this side was exceeded: at most 1; serve with --limit newIdentitiesPerHour=… to raise it`,
    );
  });

  test("behind a proxy the log names its clients, by whom it says they are", async () => {
    const { dir } = await home();
    const { url, child, ended } = await serving(
      dir,
      "--json",
      "--admit",
      "open",
      "--trust-proxy",
      "127.0.0.0/8",
    );
    const headers = { "X-Forwarded-For": "198.51.100.1" };
    const page = new WebSocket(url, "keysaga.v1", { headers, origin: "https://page.example" });
    await once(page, "error");
    child.kill("SIGTERM");
    const { stderr } = await ended;
    const log = stderr
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(log).toMatchObject([{ event: "refused", from: "198.51.100.1", code: "origin" }]);
  });

  test("admits whom --allow names, by address or by digits", async () => {
    const { dir } = await home();
    const [one, two] = [await sender("ws://127.0.0.1:1"), await sender("ws://127.0.0.1:1")];
    const digits = two.identity.address.split("^")[1]!.toLowerCase();
    const { url } = await serving(dir, "--allow", one.identity.address, "--allow", digits);
    for (const { identity } of [one, two]) {
      const dial = dialWebSocket(url, { timers: systemPlatform.timers });
      const admitted = createSender({ identity, audience: url, dial });
      await admitted.connect();
      await admitted.disconnect();
    }
  });

  test("on SIGTERM a saga under way is finished, and nobody else holds up the end", async () => {
    const { dir } = await home();
    const { url, child, ended } = await serving(dir, "--admit", "open");
    const idle = await sender(url);
    await idle.connect();
    const silent = connect(Number(new URL(url).port), "127.0.0.1").on("error", () => undefined);
    await once(silent, "connect");
    onTestFinished(() => void silent.destroy());

    const { identity } = await sender(url);
    const stones = Array.from({ length: 20 }, (_, at) =>
      sealRecord({ ib: "stone", data: { at, text: "x".repeat(200_000) } }),
    );
    await saveRecords(identity, stones);
    let isTold = false;
    const stop = ({ kind }: PeerEvent) => {
      if (kind === "payload" && !isTold) isTold = child.kill("SIGTERM");
    };
    const syncing = createSender({ identity, url, onEvent: stop });
    const report = await syncing.sync(stones.map(({ address }) => address));
    expect([report.tips.length, isTold]).toEqual([20, true]);
    expect(await ended).toMatchObject({ code: 0, signal: null });
    await expect(syncing.connect()).rejects.toMatchObject({ retryable: true });
    await syncing.disconnect();
  });

  test("a second signal ends it at once", async () => {
    const { dir } = await home();
    const { url, child, ended } = await serving(dir, "--admit", "open");
    const { identity } = await sender(url);
    const stone = sealRecord({ ib: "stone", data: { at: 1 } });
    await saveRecords(identity, [stone]);
    // A saga that does not end: its commit is never said.
    const syncing = new Promise<void>((resolve) => {
      const { dial } = tapDial(dialWebSocket(url, systemPlatform), ({ message }) => {
        if (nameOf(message) !== "commit") return [message];
        resolve();
        return [];
      });
      const stuck = createSender({ identity, audience: url, dial });
      onTestFinished(() => stuck.disconnect());
      stuck.sync([stone.address]).catch(() => undefined);
    });
    await syncing;
    child.kill("SIGINT");
    child.kill("SIGTERM");
    const { code } = await ended;
    expect([130, 143]).toContain(code);
  });

  test("ready means ready: a sender that dials at once gets in, every time", async () => {
    const { dir } = await home();
    const rounds = Number(process.env["KEYSAGA_ROUNDS"] ?? 1);
    for (let round = 0; round < rounds; round++) {
      // Five at a time: several processes may have one home open.
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          const { url, child, ended } = await serving(dir, "--admit", "open");
          await (await sender(url)).connect();
          child.kill("SIGKILL");
          await ended;
        }),
      );
    }
  });
});

describe("keysaga serve says in one line why it cannot", () => {
  const failure = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(["serve", "--port", "0", ...args]);
    expect(stdout).toBe("");
    expect(stderr.split("\n")).toHaveLength(2);
    return `${code} ${stderr}`;
  };

  test("a port in use", async () => {
    const { dir } = await home();
    const taken = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void taken.close());
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    expect(await failure("--home", dir, "--port", port)).toMatch(
      /^1 keysaga: Another process listens there already\. .*--port.*EADDRINUSE\)$/m,
    );
  });

  test("a home that is not there, a store that is no store, one that is gone", async () => {
    const [broken, emptied, gone] = [await home(), await home(), join(await temporaryDirectory(), "gone")];
    await writeFile(join(broken.dir, "store", "data.mdb"), "this is no store, and never was ".repeat(1000));
    await rm(join(emptied.dir, "store"), { recursive: true });
    const [one, two, three] = await Promise.all([
      failure("--home", gone),
      failure("--home", broken.dir),
      failure("--home", emptied.dir),
    ]);
    expect(one).toMatch(/^1 keysaga: There is no identity in this home\. /);
    expect(two).toMatch(/^1 keysaga: The store (?:is damaged|crashed its reader)/);
    expect(three).toMatch(/^1 keysaga: The store is damaged\. .*missing/);
  });

  test("a proxy to trust that is no address", async () => {
    const { dir } = await home();
    const line = await failure("--home", dir, "--port", "0", "--trust-proxy", "proxy.example");
    expect(line).toMatch(
      /^1 keysaga: This is no address of a proxy\. A proxy to trust is named by its IP address/,
    );
  });

  test("arguments that cannot be meant", async () => {
    const { dir } = await home();
    const lines = await Promise.all([
      failure("--home", dir, "--port", "70000"),
      failure("--home", dir, "--admit", "anyone"),
      failure("--home", dir, "--allow", "alice"),
      failure("--home", dir, "--audience", "https://sync.example"),
      failure("--home", dir, "--host", "0.0.0.0"),
      failure("--home", dir, "--tls-cert", "cert.pem"),
      failure("--home", dir, "--tls-cert", "/nonexistent/c", "--tls-key", "/nonexistent/k"),
      failure("--home", dir, "--proxy-protocol"),
    ]);
    const words = [
      "65535",
      "open, allow-list or invite",
      "--allow takes",
      "--audience takes",
      "--audience",
      "together",
      "cannot read",
      "--proxy-protocol needs --trust-proxy",
    ];
    for (const [at, word] of words.entries()) {
      expect(lines[at]).toMatch(/^2 keysaga: .*; see keysaga serve --help\n$/);
      expect(lines[at]).toContain(word);
    }
  });
});

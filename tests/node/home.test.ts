import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createHome, type Home, homeAddress, openHome, openHomeStore } from "../../src/node/index.js";

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function directory(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "keysaga-home-"));
  cleanUp.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function opened(dir: string, passphrase?: string): Promise<Home> {
  const home = await openHome({
    dir,
    ...(passphrase !== undefined && { passphrase: async () => passphrase }),
  });
  cleanUp.push(() => home.close());
  return home;
}

const code = (expected: string) => expect.objectContaining({ name: "KeysagaError", code: expected });
const failure = (call: Promise<unknown>) =>
  call.then(
    () => "nothing was refused",
    (thrown: unknown) => thrown,
  );

async function edit(dir: string, change: (file: Record<string, unknown>) => unknown): Promise<void> {
  const path = join(dir, "identity.json");
  await writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, "utf8")))));
}

describe("a home without a passphrase", () => {
  test("is made with directories and a file for its owner alone, and opens as who it was made", async () => {
    const dir = join(await directory(), "deep", "home");
    const { address, recoverySecret } = await createHome({ dir });
    expect((await readdir(dir)).sort()).toEqual(["identity.json", "store"]);
    for (const closed of [dir, join(dir, "store")]) expect((await stat(closed)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, "identity.json"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(dir, "identity.json"), "utf8")).not.toContain(recoverySecret.slice(0, 4));
    const home = await opened(dir);
    expect(home.identity.address).toBe(address);
    expect(await homeAddress(dir)).toBe(address);
  });

  test("is never made over another one", async () => {
    const dir = await directory();
    const { address } = await createHome({ dir });
    expect(await failure(createHome({ dir }))).toEqual(code("home_exists"));
    expect(await homeAddress(dir)).toBe(address);
  });

  test("made twice at once, is one home", async () => {
    const dir = await directory();
    const both = await Promise.allSettled([createHome({ dir }), createHome({ dir })]);
    const made = both.flatMap((end) => (end.status === "fulfilled" ? [end.value.address] : []));
    expect(made).toHaveLength(1);
    expect((await opened(dir)).identity.address).toBe(made[0]);
  });

  test("does not open while others can read its secret (threat 19)", async () => {
    const dir = await directory();
    await createHome({ dir });
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(join(dir, "identity.json"), mode);
      expect(await failure(openHome({ dir }))).toEqual(code("home_exposed"));
    }
    await chmod(join(dir, "identity.json"), 0o400);
    await opened(dir);
  });
});

describe("a home with a passphrase", () => {
  test("opens with it, in any spelling of its letters, and with no other", async () => {
    const dir = await directory();
    const { address } = await createHome({ dir, passphrase: "caf\u00e9" });
    expect((await opened(dir, "cafe\u0301")).identity.address).toBe(address);
    expect(await failure(openHome({ dir, passphrase: async () => "cafe" }))).toEqual(
      code("wrong_passphrase"),
    );
    expect(await failure(openHome({ dir }))).toEqual(code("passphrase_needed"));
  });

  test("does not open another's secret, nor one that was changed", async () => {
    const [dir, other] = [await directory(), await directory()];
    await createHome({ dir, passphrase: "swordfish" });
    const { address } = await createHome({ dir: other });
    const passphrase = async () => "swordfish";
    const { secret } = JSON.parse(await readFile(join(dir, "identity.json"), "utf8"));
    await edit(other, (file) => ({ ...file, secret }));
    expect(await failure(openHome({ dir: other, passphrase }))).toEqual(code("wrong_passphrase"));
    await edit(dir, (file) => ({ ...file, identity: address }));
    expect(await failure(openHome({ dir, passphrase }))).toEqual(code("wrong_passphrase"));
  });
});

describe("a home that is not whole says what it is", () => {
  test("nothing there, a store without identity.json, an identity.json without a store", async () => {
    const dir = await directory();
    expect(await failure(openHome({ dir: join(dir, "nowhere") }))).toEqual(code("home_missing"));
    expect(await failure(openHome({ dir }))).toEqual(code("home_missing"));
    await createHome({ dir });
    await rename(join(dir, "store"), join(dir, "elsewhere"));
    expect(await failure(openHome({ dir }))).toEqual(code("store_damaged"));
    await rename(join(dir, "elsewhere"), join(dir, "store"));
    await rm(join(dir, "identity.json"));
    expect(await failure(openHome({ dir }))).toEqual(code("home_incomplete"));
    expect(await failure(createHome({ dir }))).toEqual(code("home_incomplete"));
    expect(await readdir(dir)).toEqual(["store"]);
  });

  test("a file in the place of the directory cannot be written", async () => {
    const file = join(await directory(), "file");
    await writeFile(file, "");
    expect(await failure(createHome({ dir: file }))).toEqual(code("home_unwritable"));
    expect(await failure(createHome({ dir: join(file, "below") }))).toEqual(code("home_unwritable"));
  });

  test("an identity.json that is no such thing never shows what it holds (threat 19)", async () => {
    const dir = await directory();
    await createHome({ dir });
    const { secret } = JSON.parse(await readFile(join(dir, "identity.json"), "utf8")).secret;
    const path = join(dir, "identity.json");
    for (const text of ["", `{"secret":"${secret}`, `{"secret":"${secret}"}`, secret, "x".repeat(100_000)]) {
      await writeFile(path, text);
      const refused = await failure(openHome({ dir }));
      expect(refused).toEqual(code("home_damaged"));
      expect(describeDeep(refused)).not.toContain(secret);
    }
    await rm(path);
    await mkdir(path, { mode: 0o700 });
    expect(await failure(openHome({ dir }))).toEqual(code("home_damaged"));
  });

  test("the secret of one home does not sign for another's store", async () => {
    const [dir, other] = [await directory(), await directory()];
    await createHome({ dir });
    await createHome({ dir: other });
    await rm(join(dir, "identity.json"));
    await rename(join(other, "identity.json"), join(dir, "identity.json"));
    expect(await failure(openHome({ dir }))).toEqual(code("wrong_secret"));
  });
});

describe("an init that died", () => {
  /** A process number that is certainly nobody's. */
  const nobody = 2 ** 30;

  /** Leaves a home as it is after `moved` of the two moves that put it in its place. */
  async function die(moved: 0 | 1, pid = nobody): Promise<string> {
    const dir = await directory();
    await createHome({ dir });
    const making = join(dir, `making-${pid}`);
    await mkdir(making);
    await rename(join(dir, "identity.json"), join(making, "identity.json"));
    if (moved === 0) await rename(join(dir, "store"), join(making, "store"));
    return dir;
  }

  test.each([0, 1] as const)(
    "after %d of its moves, leaves no home, and the next begins anew",
    async (moved) => {
      const dir = await die(moved);
      expect(await failure(openHomeStore(dir))).toEqual(
        code(moved === 0 ? "home_missing" : "home_incomplete"),
      );
      const { address } = await createHome({ dir });
      expect((await readdir(dir)).sort()).toEqual(["identity.json", "store"]);
      expect((await opened(dir)).identity.address).toBe(address);
    },
  );

  test("is not taken for dead while its process lives", async () => {
    const dir = await die(1, process.ppid);
    expect(await failure(createHome({ dir }))).toEqual(code("home_busy"));
    expect((await readdir(dir)).sort()).toEqual([`making-${process.ppid}`, "store"]);
  });
});

/** Everything an error shows, its causes and stacks included. */
function describeDeep(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error);
  return `${error.stack} ${JSON.stringify(error)} ${error.cause === undefined ? "" : describeDeep(error.cause)}`;
}

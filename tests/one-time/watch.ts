/**
 * Set up in front of every test file: no one-time key signs a second message, in this process or in those it starts.
 * The second signature throws where it is made; if that was swallowed, the test fails when it ends.
 *
 * Imports nothing of src, so that mocks of the test itself come first.
 */
import { afterAll, afterEach, vi } from "vitest";
import { checkChildren, ledger, noteSigned } from "./ledger.js";

vi.mock("../../src/keystone/strategy.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/keystone/strategy.js")>();
  const { watched } = await import("./watched.js");
  const ed25519Once = watched(original.ed25519Once, noteSigned);
  return { ...original, ed25519Once, strategies: { "ed25519-once": ed25519Once } };
});

vi.mock("../../src/keystone/identity.js", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../src/keystone/identity.js")>();
  const foundIdentity: typeof original.foundIdentity = (...args) => {
    const genesis = original.foundIdentity(...args);
    ledger().found(genesis.address);
    return genesis;
  };
  return { ...original, foundIdentity };
});

ledger().anew(); // of files that share a process each begins with no key used
afterEach(() => ledger().check());

afterAll(() => {
  checkChildren();
  ledger().check();
});

/**
 * Set up in front of every test file: each secret that enters a key derivation is looked for in all that the process
 * lets out: what it prints, sends and writes, its errors and its events. What is seen fails the test.
 *
 * Wraps the places where secrets come in and things go out. Imports nothing of src, so that mocks of a test come first.
 */
import { afterAll, afterEach, beforeEach, vi } from "vitest";
import { watchConsole } from "./console.js";
import { searchTemporaryDirectories, watchTemporaryDirectories } from "./directories.js";
import { failOnHits, forgetCanaries } from "./watch.js";

vi.mock("../../src/base/crypto.js", async (importOriginal) => {
  const { withSecretsRegistered } = await import("./secrets.js");
  return withSecretsRegistered(await importOriginal());
});

vi.mock("../../src/node/device-secret.js", async (importOriginal) => {
  const { withPassphrasesRegistered } = await import("./secrets.js");
  return withPassphrasesRegistered(await importOriginal());
});

vi.mock("../../src/node/recovery-secret.js", async (importOriginal) => {
  const { withRecoverySecretsRegistered } = await import("./secrets.js");
  return withRecoverySecretsRegistered(await importOriginal());
});

vi.mock("../../src/transport/wire-connection.js", async (importOriginal) => {
  const { withMessagesSearched } = await import("./exits.js");
  return withMessagesSearched(await importOriginal());
});

vi.mock("../../src/base/errors.js", async (importOriginal) => {
  const { withErrorsSearched } = await import("./exits.js");
  return withErrorsSearched(await importOriginal());
});

vi.mock("../../src/peer/sender/sender.js", async (importOriginal) => {
  const { withSenderEventsSearched } = await import("./exits.js");
  return withSenderEventsSearched(await importOriginal());
});

vi.mock("../../src/peer/receiver/receiver.js", async (importOriginal) => {
  const { withReceiverEventsSearched } = await import("./exits.js");
  return withReceiverEventsSearched(await importOriginal());
});

watchConsole();
watchTemporaryDirectories();
beforeEach(forgetCanaries);
afterEach(failOnHits);
afterAll(() => {
  searchTemporaryDirectories();
  failOnHits();
});

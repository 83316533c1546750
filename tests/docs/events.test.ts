import { expect, test } from "vitest";
import { explanations, type PeerEvent } from "../../src/index.js";
import { page } from "./markdown.js";

/** A new kind of event does not compile here until it is listed. */
const kinds: Readonly<Record<PeerEvent["kind"], true>> = {
  admitted: true,
  connected: true,
  behind: true,
  started: true,
  turn: true,
  payload: true,
  progress: true,
  waiting: true,
  left: true,
  refused: true,
  merged: true,
  conflict: true,
  staysAway: true,
  kept: true,
  dropped: true,
  resumed: true,
  durable: true,
  closed: true,
  reconnecting: true,
  reconnected: true,
  gaveUp: true,
};

const { text } = page("docs/events.md");
const rowsUnder = (heading: string) => {
  const table = text.slice(text.indexOf(`| ${heading} |`)).split("\n\n")[0] ?? "";
  return [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
};

test("docs/events.md lists every event", () => {
  expect(rowsUnder("event")).toEqual(Object.keys(kinds));
});

test("docs/events.md lists every reason of an explanation, and every sentence ends", () => {
  expect(rowsUnder("because")).toEqual(Object.keys(explanations));
  for (const sentence of Object.values(explanations)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

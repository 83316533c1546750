import { expect, test } from "vitest";
import * as z from "zod";
import { sha256Hex } from "../../src/base/index.js";
import { ChallengeBody, FromReceiver, FromSender, protocolName } from "../../src/saga/messages.js";
import { AckEntry, Evidence, TurnFromReceiver, TurnFromSender } from "../../src/saga/turn-bodies.js";

/**
 * What each version of the protocol says, as a hash over all its schemas. A schema that changes changes what peers
 * accept: either it is put right, or the protocol gets a new name, with a row of its own here.
 */
const pinned: Readonly<Record<string, string>> = {
  "keysaga.v1": "85d0cfd0a9409cab4fbc17a5da804edfea8cb66742e4ae15fba28b90b58a3a36",
};

test("the wire schemas are those that the protocol's name stands for", () => {
  const wire = {
    FromReceiver,
    FromSender,
    ChallengeBody,
    TurnFromSender,
    TurnFromReceiver,
    AckEntry,
    Evidence,
  };
  const schemas = Object.entries(wire).map(([name, schema]) => [
    name,
    z.toJSONSchema(schema, { unrepresentable: "any" }),
  ]);
  expect({ [protocolName]: sha256Hex(JSON.stringify(schemas)) }).toEqual(pinned);
});

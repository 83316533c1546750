import { expect, test } from "vitest";
import { z } from "zod";
import { sha256Hex } from "../../src/base/index.js";
import {
  AckEntry,
  ChallengeBody,
  Evidence,
  FromReceiver,
  FromSender,
  protocolName,
  TurnFromReceiver,
  TurnFromSender,
} from "../../src/saga/messages.js";

/**
 * What each version of the protocol says, as a hash over all its schemas. A schema that changes changes what peers
 * accept: either it is put right, or the protocol gets a new name, with a row of its own here.
 */
const pinned: Readonly<Record<string, string>> = {
  "keysaga.v1": "d8164c436a1f69b6ab62b47398d9df424dd5a6c47bc712bc901a5a71dfea287e",
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

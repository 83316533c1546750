/**
 * Loaded in front of a program of a test (`--import`): writes down what each one-time key is about to sign. What is
 * written is with the kernel before the signature is made, so that it outlives a kill -9; lines of several processes do
 * not mix.
 */
import { openSync, writeSync } from "node:fs";
import { ed25519Once, strategies } from "../../src/keystone/strategy.js";
import type { Signed } from "./ledger.js";
import { watched } from "./watched.js";

const path = process.env["KEYSAGA_ONE_TIME_FILE"];
if (path === undefined) throw new Error("KEYSAGA_ONE_TIME_FILE is not set");
const file = openSync(path, "a");
const note = ({ key, message }: Signed) => void writeSync(file, `${key} ${message}\n`);
Object.assign(strategies["ed25519-once"], watched({ ...ed25519Once }, note));

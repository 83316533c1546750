/**
 * The bare limit: the same bytes over `ws`, the same signatures and checks, one SHA-256 a record, one flushed `lmdb`
 * transaction, and nothing else. Both sides follow a transcript of what keysaga said.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import type { WebSocket } from "ws";
import type { Crossing } from "./transcript.js";

/** Durable statements beside the one that holds the records: two on each side, or none. */
export type Durability = "records" | "every-statement";

/** A key that is ready for use: what a bare exchange may have, and one-time keys never are. */
export const keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } =
  generateKeyPairSync("ed25519");
const digest = randomBytes(32);
const signature = sign(null, digest, keys.privateKey);

export function signTimes(times: number): void {
  for (let i = 0; i < times; i++) sign(null, digest, keys.privateKey);
}

export function checkTimes(times: number): void {
  for (let i = 0; i < times; i++)
    if (!verify(null, digest, keys.publicKey, signature)) throw new Error("a signature is wrong");
}

/** The messages of a transcript that one side waits for. Flow control is none: nobody waits for credit here. */
export function steps(transcript: readonly Crossing[]): readonly Crossing[] {
  return transcript.filter(({ type }) => type !== "credit");
}

/** Messages of a socket, in order, for one reader. */
export class Mail {
  readonly #arrived: Buffer[] = [];
  #waiting: ((message: Buffer) => void) | undefined;

  constructor(socket: WebSocket) {
    socket.on("message", (data) => {
      const message = data as Buffer; // binaryType is nodebuffer
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (waiting === undefined) this.#arrived.push(message);
      else waiting(message);
    });
  }

  async next(): Promise<Buffer> {
    return this.#arrived.shift() ?? new Promise((resolve) => (this.#waiting = resolve));
  }
}

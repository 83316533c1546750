import type { Connection, Dial } from "keysaga";

/** One message as it crossed the wire: what a bare exchange of the same bytes has to repeat. */
export interface Crossing {
  readonly from: "sender" | "receiver";
  /** The message's type, or `payload`. */
  readonly type: string;
  readonly bytes: number;
  /** Of a payload frame. */
  readonly records: number;
  /** Signatures in it, each made by its sender and checked by its receiver. */
  readonly signatures: number;
}

/** Dials as `dial` does, and notes each message of the connection in `transcript`. */
export function observed(dial: Dial, transcript: Crossing[]): Dial {
  return async (signal) => observe(await dial(signal), (crossing) => transcript.push(crossing));
}

function observe(connection: Connection, note: (crossing: Crossing) => void): Connection {
  return {
    start: (handlers) =>
      connection.start({
        message: (message) => {
          note(crossing("receiver", message));
          handlers.message(message);
        },
        closed: (error) => handlers.closed(error),
      }),
    send: (message) => {
      note(crossing("sender", message));
      connection.send(message);
    },
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    drained: () => connection.drained(),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: () => connection.close(),
    channelBinding: connection.channelBinding,
    remoteAddress: connection.remoteAddress,
  };
}

function crossing(from: Crossing["from"], message: string | Uint8Array): Crossing {
  if (typeof message !== "string")
    return { from, type: "payload", bytes: message.length, records: countRecords(message), signatures: 0 };
  const { type }: { type: string } = JSON.parse(message);
  // A signature is 64 bytes in lower-case hex, and nothing else on the wire is.
  const signatures = [...message.matchAll(/(?<![0-9a-f])[0-9a-f]{128}(?![0-9a-f])/g)].length;
  return { from, type, bytes: Buffer.byteLength(message), records: 0, signatures };
}

/** Records lie behind their kind (one byte), each behind its length (big-endian 32 bit); a list has another kind. */
function countRecords(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let count = 0;
  if (view.getUint8(0) !== 1) return count;
  for (let at = 1; at < frame.length; at += 4 + view.getUint32(at)) count++;
  return count;
}

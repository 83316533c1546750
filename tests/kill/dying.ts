/** A store and a connection that tell at which step they are; whoever listens ends the process there. */
import { writeSync } from "node:fs";
import type { Store } from "../../src/space/store.js";
import type { Connection, Message } from "../../src/transport/index.js";
import type { SaidLine, Step } from "./steps.js";

export type Reached = (step: Step) => void;

/** Lies below a space, so that every write of a peer passes here, whatever it is for. */
export function dyingStore(store: Store, reached: Reached): Store {
  return {
    read: (work) => store.read(work),
    scan: (table) => store.scan(table),
    close: () => store.close(),
    async write(work) {
      reached("before a write");
      let isUnderWay = true;
      const result = await store.write((writer) => {
        const done = work(writer);
        reached("written");
        // The store commits and flushes in a thread of its own once all that waits for it is written.
        setImmediate(() => isUnderWay && reached("being flushed"));
        return done;
      });
      isUnderWay = false;
      reached("flushed");
      return result;
    },
  };
}

/** Says what it is told to, after it has written it down: kill -9 takes nothing from a file that was written to. */
export function dyingConnection(inner: Connection, reached: Reached, saidFile: number): Connection {
  return {
    start: (handlers) => inner.start(handlers),
    send(message) {
      const line = lineOf(message);
      writeSync(saidFile, `${JSON.stringify(line)}\n`);
      reached(`before ${line.name}`);
      inner.send(message);
      // By then the kernel has it.
      setImmediate(() => reached(`after ${line.name}`));
    },
    get bufferedBytes() {
      return inner.bufferedBytes;
    },
    drained: () => inner.drained(),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: () => inner.close(),
    channelBinding: inner.channelBinding,
    remoteAddress: inner.remoteAddress,
  };
}

function lineOf(message: Message): SaidLine {
  if (typeof message !== "string") return { name: "payload", frames: [], tips: [] };
  const { type, body, ...rest } = JSON.parse(message);
  const inner = body === undefined ? {} : JSON.parse(body);
  const name = type === "turn" ? inner.type : type;
  return {
    name,
    frames: framesIn([inner, rest]),
    tips: name === "receipt" ? (inner.entries ?? []) : [],
  };
}

/** Every keystone frame that is shown anywhere in a message. */
function framesIn(value: unknown): SaidLine["frames"] {
  if (typeof value !== "object" || value === null) return [];
  if (isFrameText(value)) return [value];
  return Object.values(value).flatMap(framesIn);
}

function isFrameText(value: object): value is SaidLine["frames"][number] {
  return Array.isArray(value) && typeof value[0] === "string" && value[0].startsWith("keystone.");
}

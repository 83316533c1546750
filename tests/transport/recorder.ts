import type { KeysagaError } from "../../src/base/index.js";
import type { Connection, Message } from "../../src/transport/transport.js";
import { until } from "../waiting.js";

/** Starts a connection and writes down what it reports. */
export class Recorder {
  readonly messages: Message[] = [];
  readonly ends: (KeysagaError | undefined)[] = [];

  constructor(
    readonly connection: Connection,
    onMessage: (message: Message) => void = () => {},
  ) {
    connection.start({
      message: (message) => {
        this.messages.push(message);
        onMessage(message);
      },
      closed: (error) => this.ends.push(error),
    });
  }

  async received(count: number): Promise<Message[]> {
    await until(() => this.messages.length >= count, `${count} messages (have ${this.messages.length})`);
    return this.messages;
  }

  /** The code it ended with, or "in order". */
  async ended(): Promise<string> {
    await until(() => this.ends.length > 0, "the end of a connection");
    return this.ends[0]?.code ?? "in order";
  }
}

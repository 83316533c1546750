import { KeysagaError } from "../../src/base/index.js";
import type { Address } from "../../src/ibgib/index.js";
import {
  createIdentity,
  createSender,
  type Identity,
  type Sender,
  systemPlatform,
} from "../../src/peer/index.js";
import { InnerSpace } from "../../src/space/index.js";
import { dialWebSocket } from "../../src/transport/index.js";
import { edit } from "./edit.js";

const { timers, random } = systemPlatform;

export function newIdentity(): Promise<Identity> {
  return createIdentity({
    space: new InnerSpace(),
    secret: random.bytes(32),
    recoverySecret: random.bytes(32),
  });
}

/** Somebody else, whom nobody kills, who edits the same timeline through the same receiver, whenever that is there. */
export class Carol {
  readonly #sender: Sender;

  constructor(
    readonly identity: Identity,
    private readonly timeline: Address,
    url: string,
  ) {
    this.#sender = createSender({ identity, audience: url, dial: dialWebSocket(url, { timers }) });
  }

  /** An edit and a sync. Until the receiver has something for her, she has nothing to edit. */
  async round(isLarge: boolean): Promise<void> {
    const isHere = (await this.identity.space.tip(this.timeline)) !== undefined;
    if (isHere) await edit(this.identity, this.timeline, isLarge);
    await this.sync().catch((thrown: unknown) => {
      const mayBe = thrown instanceof KeysagaError && (thrown.retryable || !isHere);
      if (!mayBe) throw thrown;
    });
  }

  async sync(): Promise<void> {
    await this.#sender.sync([this.timeline]);
  }

  disconnect(): Promise<void> {
    return this.#sender.disconnect();
  }
}

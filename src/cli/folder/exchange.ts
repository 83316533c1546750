import { type Address, createSender, type Identity, KeysagaError, type PeerEvent } from "../../index.js";
import type { Exchange } from "./sync.js";

export interface ReceiverAt {
  readonly url: string;
  readonly pin?: Address | undefined;
  readonly insecure?: boolean | undefined;
  readonly onEvent?: ((event: PeerEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often a saga is begun anew when another sender was faster at the receiver. */
const triesMax = 3;

/** Sagas with the receiver at a URL, over one connection, which is gone when `work` has ended. */
export async function withReceiver<Result>(
  identity: Identity,
  { url, pin, insecure = false, onEvent, signal }: ReceiverAt,
  work: (exchange: Exchange) => Promise<Result>,
): Promise<Result> {
  const sender = createSender({
    identity,
    url,
    insecure,
    ...(pin && { pin }),
    ...(onEvent && { onEvent }),
  });
  const exchange: Exchange = async (roots, direction) => {
    for (let tries = 1; ; tries++) {
      try {
        return await sender.sync(roots, { direction, ...(signal && { signal }) });
      } catch (thrown) {
        if (!(thrown instanceof KeysagaError) || thrown.code !== "tip_moved" || tries === triesMax)
          throw thrown;
      }
    }
  };
  try {
    return await work(exchange);
  } finally {
    await sender.disconnect();
  }
}

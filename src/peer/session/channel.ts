import { KeysagaError } from "../../base/index.js";
import type { Exporter } from "../../saga/index.js";
import type { Connection } from "../../transport/index.js";

/** What this side signs of the TLS channel; a connection that cannot give what is asked for is not used at all. */
export interface Binding {
  readonly exporter: Exporter;
  readonly error: KeysagaError | undefined;
}

export function bindTo({ channelBinding }: Connection, isAsked: boolean): Binding {
  if (!isAsked) return { exporter: undefined, error: undefined };
  const error = channelBinding ? undefined : new KeysagaError("channel_not_bound");
  return { exporter: channelBinding, error };
}

/** Where things leave a peer: on a connection, in an error, in an event. */
import { searchFor, searchValue } from "./watch.js";

type WireConnections = typeof import("../../src/transport/wire-connection.js");
type Errors = typeof import("../../src/base/errors.js");
type Senders = typeof import("../../src/peer/sender/sender.js");
type Receivers = typeof import("../../src/peer/receiver/receiver.js");

/** Every transport sends through this class. */
export function withMessagesSearched(original: WireConnections): WireConnections {
  const { prototype } = original.WireConnection;
  const { send } = prototype;
  prototype.send = function (message) {
    searchFor("a message", typeof message === "string" ? Buffer.from(message) : message);
    return send.call(this, message);
  };
  return original;
}

/** A stack takes a while to make, and says no more than the message: some of each file's are enough. */
let stacksLeft = 20;

export function withErrorsSearched(original: Errors): Errors {
  const search = <Thrown extends InstanceType<Errors["KeysagaError"]>>(error: Thrown): Thrown => {
    searchFor("an error's message", Buffer.from(error.message));
    searchFor("an error, as JSON", Buffer.from(JSON.stringify(error)));
    if (error.cause instanceof Error) searchFor("the message of an error's cause", error.cause.message);
    if (stacksLeft-- > 0) searchFor("an error's stack", error.stack ?? "");
    return error;
  };
  return {
    ...original,
    // The same class to `instanceof`; only what is made is looked at.
    KeysagaError: new Proxy(original.KeysagaError, {
      construct: (target, args, newTarget) => search(Reflect.construct(target, args, newTarget)),
    }),
    toKeysagaError: (...args) => search(original.toKeysagaError(...args)),
  };
}

export function withSenderEventsSearched(original: Senders): Senders {
  const createSender: Senders["createSender"] = (options) =>
    original.createSender({
      ...options,
      onEvent(event) {
        searchValue("a sender's event", event);
        options.onEvent?.(event);
      },
    });
  return { ...original, createSender };
}

export function withReceiverEventsSearched(original: Receivers): Receivers {
  const createReceiver: Receivers["createReceiver"] = (options) =>
    original.createReceiver({
      ...options,
      onEvent(event, from) {
        searchValue("a receiver's event", { ...event, from });
        options.onEvent?.(event, from);
      },
    });
  return { ...original, createReceiver };
}

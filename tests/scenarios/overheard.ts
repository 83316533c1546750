import type * as conversations from "../../src/peer/session/conversation.js";

/** The conversation of the sender that has connected last, in a test that mocks them by `overhearing`. */
export const spoken: { newest: conversations.Conversation | undefined } = { newest: undefined };

/** What stands in for `src/peer/session/conversation.js`: the same, overheard. */
export function overhearing(original: typeof conversations): typeof conversations {
  class Overheard extends original.Conversation {
    constructor(...args: ConstructorParameters<typeof conversations.Conversation>) {
      super(...args);
      if (args[1] === "sender") spoken.newest = this;
    }
  }
  return { ...original, Conversation: Overheard };
}

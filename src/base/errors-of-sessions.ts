/** What can go wrong between two sides: handshake, turns, connection. */
import { atFault, errorRows } from "./error-row.js";

export const errorsOfSessions = errorRows({
  // handshake
  auth_fail: {
    retryable: false,
    tellPeer: true,
    text: "The other side did not accept the handshake, and tells strangers no reason: the receiver's log has it.",
    remedy:
      "Its operator can admit this identity (keysaga admit), and let it answer for the address that was dialled (keysaga serve --audience) or for the page's origin (--origin).",
  },
  not_admitted: {
    retryable: false,
    tellPeer: true,
    text: "The receiver does not admit this identity.",
    remedy: "Its operator can, with keysaga admit, receiver.admit or an invite.",
  },
  invite_refused: {
    retryable: false,
    tellPeer: true,
    text: "The receiver did not let this identity in by its invite: it may have expired, been used already, or be another receiver's.",
    remedy: "Ask for a new one.",
  },
  invite_malformed: {
    retryable: false,
    tellPeer: false,
    text: "This is not an invite as it was given out: something of it is missing, added or altered.",
    remedy: "Copy the whole word again, or ask for a new one.",
  },
  invite_not_made: {
    retryable: false,
    tellPeer: false,
    text: "An invite needs a ws:// or wss:// URL without a user or fragment, and a time to expire that is ahead and not too far.",
    remedy: "Give it such a URL, and expiresInMs (--expires) up to the limit.",
  },
  receiver_changed: {
    retryable: false,
    tellPeer: false,
    text: "The receiver at this address is not the one that was pinned.",
    remedy:
      "If its operator confirms the new identity, name that one as the pin (--pin); if not, somebody else may be answering.",
  },
  receiver_unproved: {
    retryable: false,
    tellPeer: false,
    text: "The receiver could not prove its identity.",
    remedy: "Send it nothing: check the address, and ask its operator. Somebody else may be answering.",
  },
  no_common_version: {
    retryable: false,
    tellPeer: true,
    text: "The two sides have no protocol version or suite in common.",
    remedy: "Update the side with the older version of keysaga.",
  },
  wrong_audience: {
    retryable: false,
    tellPeer: true,
    text: "The receiver does not answer for the address that was dialled.",
    remedy: "If it should, name that address in audiences (--audience).",
  },
  channel_not_bound: {
    retryable: false,
    tellPeer: true,
    text: "This connection cannot be bound to its TLS channel, which this side is configured to ask for.",
    remedy:
      "Connect by wss:// from Node, with no proxy in between that ends TLS; or leave bindChannel out on both sides.",
  },
  insecure_url: {
    retryable: false,
    tellPeer: false,
    text: "Refusing to connect without TLS to another machine.",
    remedy: "Use wss://, or allow it explicitly (insecure, --insecure).",
  },

  // turns
  malformed_message: {
    retryable: false,
    tellPeer: true,
    text: "The message is not one of this protocol.",
    remedy: atFault,
  },
  out_of_turn: {
    retryable: false,
    tellPeer: true,
    text: "The peer sent a message that does not belong here.",
    remedy: atFault,
  },
  wrong_context: {
    retryable: false,
    tellPeer: true,
    text: "The context does not cover this message, turn or session.",
    remedy: atFault,
  },
  credit_exceeded: {
    retryable: false,
    tellPeer: true,
    text: "The peer sent more than it was given credit for.",
    remedy: atFault,
  },
  diverged: {
    retryable: false,
    tellPeer: true,
    text: "Both sides have changed the timeline since they were last in step: a push merges nothing.",
    remedy: "Sync both ways.",
  },
  commit_waited: {
    retryable: true,
    tellPeer: true,
    text: "Too many others are changing the same timelines at the receiver.",
    remedy: "Try again.",
  },
  unknown_root: {
    retryable: false,
    tellPeer: true,
    text: "The receiver has nothing to give for a root that was asked for.",
    remedy:
      "Check the address, and ask its owner to share it with this identity and to sync: a receiver answers the same for what is not there and for what may not be read.",
  },
  reference_refused: {
    retryable: false,
    tellPeer: true,
    text: "The peer said of a link that its target stays away, which is not so or cannot be. Nothing was taken.",
    remedy: atFault,
  },
  not_asked_for: {
    retryable: false,
    tellPeer: true,
    text: "The receiver sent something that was not asked for, that nothing asked for leads to, or that is beyond the limit. Nothing was taken.",
    remedy: atFault,
  },
  nothing_to_sync: {
    retryable: false,
    tellPeer: false,
    text: "There is nothing to sync.",
    remedy: "Name at least one address.",
  },
  sync_error: {
    retryable: false,
    tellPeer: true,
    text: "The other side ended the session with an error that concerns it alone.",
    remedy: "Its log has the cause: ask its operator.",
  },

  // connections
  handshake_timeout: {
    retryable: true,
    tellPeer: true,
    text: "The handshake did not finish in time.",
    remedy:
      "Try again. If it happens again, check that the other side is a keysaga receiver, or raise handshakeTimeoutMs.",
  },
  turn_timeout: {
    retryable: true,
    tellPeer: true,
    text: "The peer did not answer in time.",
    remedy: "Try again. On a slow link, raise turnTimeoutMs.",
  },
  queue_timeout: {
    retryable: true,
    tellPeer: false,
    text: "The call waited too long for those before it, and was not run.",
    remedy: "Try again, or raise queueTimeoutMs.",
  },
  connection_lost: {
    retryable: true,
    tellPeer: false,
    text: "The connection was lost.",
    remedy: "Try again, or let the sender do so (reconnect, --retry): what has arrived is kept for a while.",
  },
  connection_closed: {
    retryable: false,
    tellPeer: false,
    text: "The connection is closed.",
    remedy: "It was closed on this side: connect again, or call sync, which does so.",
  },
  cannot_connect: {
    retryable: true,
    tellPeer: false,
    text: "Could not connect to the receiver.",
    remedy: "Check the address, and that the receiver runs and can be reached.",
  },
  aborted: {
    retryable: false,
    tellPeer: true,
    text: "The operation was cancelled.",
    remedy: "Call it again if it is still wanted.",
  },
  shutting_down: {
    retryable: true,
    tellPeer: true,
    text: "The other side is shutting down.",
    remedy: "Try again when it has started anew.",
  },
});

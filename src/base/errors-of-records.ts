/** What can be wrong with records, keystones, lists and proofs. */
import { atFault, errorRows } from "./error-row.js";

export const errorsOfRecords = errorRows({
  // records
  json_refused: {
    retryable: false,
    tellPeer: true,
    text: "The JSON is not in the one normal form that records use.",
    remedy: "Write it with canonicalJson. The rule says what is wrong.",
  },
  record_refused: {
    retryable: false,
    tellPeer: true,
    text: "The record breaks a rule of admission.",
    remedy:
      "Make records with createTimeline, mutate, relate, fork or sealRecord. The rule says what is wrong: address means that a text is no address (ib^gib).",
  },
  chain_refused: {
    retryable: false,
    tellPeer: true,
    text: "The frame does not continue its timeline.",
    remedy:
      "Make frames from the tip as it is now, with mutate, relate or resolveConflicts, and save all that lies between. The rule says what is wrong.",
  },
  record_missing: {
    retryable: false,
    tellPeer: true,
    text: "A record that is linked to is not there.",
    remedy:
      "Save it before the record that links to it, or together with it. If a peer sent the link, sync again; if it happens again, ask that side to run keysaga verify.",
  },
  reserved_record: {
    retryable: false,
    tellPeer: true,
    text: "Keystone frames and contexts cannot travel as domain records.",
    remedy: "Give the record an ib that does not begin with keystone or context, and link to no such record.",
  },
  limit_exceeded: {
    retryable: false,
    tellPeer: true,
    text: "A limit was exceeded.",
    remedy: "The side whose limit it is can raise it, if it is a setting; otherwise stay below it.",
  },
  merge_refused: {
    retryable: false,
    tellPeer: true,
    text: "The frame is not the merge of the frames it names, or they cannot be merged.",
    remedy:
      "Merge frames of one timeline, with mergeTips and the same merge functions as the other peers. The rule says what is wrong.",
  },
  merge_failed: {
    retryable: false,
    tellPeer: false,
    text: "A merge function did not give a result that every peer can agree on. Nothing was changed.",
    remedy:
      "Have it return plain data, the same for the same input, and throw nothing. The cause is what it threw.",
  },
  tip_moved: {
    retryable: true,
    tellPeer: true,
    text: "Others changed the timeline at the same time.",
    remedy: "Try again, from where it is now.",
  },
  not_closed: {
    retryable: false,
    tellPeer: true,
    text: "The commit leaves links to records that are not there.",
    remedy: "Save what is linked before, or in the same call.",
  },
  maker_not_self: {
    retryable: false,
    tellPeer: false,
    text: "The frame names another identity as its maker.",
    remedy: "Make it with `by`, the identity that saves it.",
  },
  not_found: {
    retryable: false,
    tellPeer: false,
    text: "There is no such record here.",
    remedy: "Check the address. If the record is at a receiver, sync with it first.",
  },

  // keystones
  frame_refused: {
    retryable: false,
    tellPeer: true,
    text: "The keystone frame is not a valid successor of the one before.",
    remedy: atFault,
  },
  wrong_solution: {
    retryable: false,
    tellPeer: true,
    text: "A solution does not open its challenge, or signs something else.",
    remedy:
      "If it happens as this side signs, its secret is not the one that the identity was made with. In a session it is a fault of the other side: report it with its facts.",
  },
  challenge_reused: {
    retryable: false,
    tellPeer: true,
    text: "A one-time key was presented a second time.",
    remedy:
      "Make sure that no copy of this home is in use: two copies sign with the same keys. If there is none, report it with its facts.",
  },
  verb_not_allowed: {
    retryable: false,
    tellPeer: true,
    text: "The pool does not allow this verb.",
    remedy: atFault,
  },
  wrong_demand: {
    retryable: false,
    tellPeer: true,
    text: "The demanded challenges are not what the pool allows.",
    remedy: atFault,
  },
  pool_exhausted: {
    retryable: false,
    tellPeer: true,
    text: "The pool has no challenge left.",
    remedy: "Connect again: a session has keys of its own. Report it if a new connection does not help.",
  },
  duplicity: {
    retryable: false,
    tellPeer: true,
    text: "Two valid frames claim the same place in a keystone.",
    remedy:
      "Two copies of one home have signed. Stop all but the one that the receiver knows; if that one is refused as well, make a new identity.",
  },
  keystone_moved: {
    retryable: true,
    tellPeer: false,
    text: "Another process signed with this keystone at the same time.",
    remedy: "Try again.",
  },
  home_behind: {
    retryable: true,
    tellPeer: false,
    text: "This home was put back from an older copy. It has taken over what the receiver knows of its identity.",
    remedy: "Connect again: the next connection goes on from there.",
  },
  restored_backup: {
    retryable: false,
    tellPeer: false,
    text: "This home was put back from an older copy, and another receiver may know frames of its identity that are newer still: so the identity signs nothing.",
    remedy:
      "Connect to the other receivers that it has met first. Where that cannot be, open it with signUnconfirmed (--unconfirmed): if one of them does know newer frames, the identity is forked, and all who have seen both let it in no more, until recovery exists.",
  },
  tip_unconfirmed: {
    retryable: false,
    tellPeer: false,
    text: "No receiver has confirmed that it knows nothing newer of this identity, so it signs nothing: this home may be a copy or a restored backup.",
    remedy:
      "Connect to a receiver that it has met first. Only if it surely is neither, open it with signUnconfirmed (--unconfirmed).",
  },
  identity_exists: {
    retryable: false,
    tellPeer: false,
    text: "This space already has an identity.",
    remedy: "Open it with openIdentity, or use another space.",
  },
  no_identity: {
    retryable: false,
    tellPeer: false,
    text: "There is no identity here yet.",
    remedy: "Make one: createIdentity for a space, keysaga init for a home.",
  },
  wrong_secret: {
    retryable: false,
    tellPeer: false,
    text: "The secret is not the one this identity was made with.",
    remedy: "Open it with the secret that createIdentity was given.",
  },

  // lists
  list_refused: {
    retryable: false,
    tellPeer: true,
    text: "That is not what the list of writers or readers of a timeline may say, or not by its owner.",
    remedy: "Change lists with share and unshare, as the owner. The rule says what is wrong.",
  },
  entry_used_up: {
    retryable: false,
    tellPeer: true,
    text: "The entry that lets this identity in was used as often as it allows.",
    remedy: "Ask the owner to share again.",
  },
  not_owner: {
    retryable: false,
    tellPeer: false,
    text: "Only the owner of a timeline can share it, or take back what was shared.",
    remedy: "Ask its owner, whom the first frame names.",
  },
  not_shared: {
    retryable: false,
    tellPeer: false,
    text: "The timeline is not shared with that identity.",
    remedy: "whoMay (keysaga who) tells with whom it is shared.",
  },
  not_permitted: {
    retryable: false,
    tellPeer: true,
    text: "The sender may not write this timeline, so its change was not taken.",
    remedy: "The owner can share the timeline with it for writing; then it syncs again.",
  },

  // receipts and proofs
  no_receipt: {
    retryable: false,
    tellPeer: false,
    text: "No receipt of that saga is kept here.",
    remedy: "Ask at the side that ran it, with the saga and the receiver as its report names them.",
  },
  no_transcript: {
    retryable: false,
    tellPeer: false,
    text: "No transcript of that session is kept here.",
    remedy:
      "keptSessions (keysaga export) tells which are kept: the newest ones, of sessions that changed something.",
  },
  no_proof: {
    retryable: false,
    tellPeer: false,
    text: "Nothing is kept here that proves who made that frame.",
    remedy:
      "Check the address: only frames of timelines with an owner are proved, and merges are not. A frame made here is proved once it was synced.",
  },
  receipt_refused: {
    retryable: false,
    tellPeer: false,
    text: "The receipt does not prove what it says.",
    remedy:
      "Do not rely on it. Ask for it again, and check that it was not altered on its way and that the receiver is the one expected.",
  },
  attestation_refused: {
    retryable: false,
    tellPeer: true,
    text: "What came with a frame does not prove that the maker that it names has made it.",
    remedy: atFault,
  },
  proofs_missing: {
    retryable: true,
    tellPeer: true,
    text: "Proofs that were shown once are missing, as after a backup was put back.",
    remedy: "Try again: they are shown anew.",
  },
});

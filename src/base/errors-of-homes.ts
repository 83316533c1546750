/** What can go wrong on this machine: homes, servers, files, stores. */
import { errorRows } from "./error-row.js";

export const errorsOfHomes = errorRows({
  // homes
  home_exists: {
    retryable: false,
    tellPeer: false,
    text: "There is an identity in this home already.",
    remedy: "Name another directory with --home to make a second one.",
  },
  home_missing: {
    retryable: false,
    tellPeer: false,
    text: "There is no identity in this home.",
    remedy: "Make one with keysaga init (createHome), or name the right directory with --home.",
  },
  home_incomplete: {
    retryable: false,
    tellPeer: false,
    text: "This home has a store but no identity.json.",
    remedy: "Put that file back from a backup, or name another home.",
  },
  home_unwritable: {
    retryable: false,
    tellPeer: false,
    text: "The home cannot be written.",
    remedy: "Check that it is a directory of yours, or name another home.",
  },
  home_exposed: {
    retryable: false,
    tellPeer: false,
    text: "Others can read the secret in identity.json.",
    remedy:
      "Take their access away with chmod 600 and start again. If others may have read it, make a new identity.",
  },
  home_damaged: {
    retryable: false,
    tellPeer: false,
    text: "The file identity.json of this home cannot be read, or is not the one of its store.",
    remedy: "Put it back from a backup.",
  },
  home_busy: {
    retryable: true,
    tellPeer: false,
    text: "Another keysaga init is at work in this home.",
    remedy: "Wait until it has ended.",
  },
  passphrase_needed: {
    retryable: false,
    tellPeer: false,
    text: "This home is locked with a passphrase.",
    remedy: "Set KEYSAGA_PASSPHRASE, or run this where it can be typed.",
  },
  wrong_passphrase: {
    retryable: false,
    tellPeer: false,
    text: "The passphrase does not open this home.",
    remedy: "Try another one. Without it the identity cannot sign; there is no way around it.",
  },
  recovery_secret_mistyped: {
    retryable: false,
    tellPeer: false,
    text: "This is not a recovery secret as it was shown.",
    remedy: "Compare it letter by letter: one is wrong, missing or too much.",
  },
  lane_replaced: {
    retryable: true,
    tellPeer: false,
    text: "Too many of this device's sessions never reached the receiver.",
    remedy: "Try again: the next connection uses a new lane.",
  },

  // servers
  port_in_use: {
    retryable: true,
    tellPeer: false,
    text: "Another process listens there already.",
    remedy: "Stop it, or name another port with --port (0: any that is free).",
  },
  cannot_listen: {
    retryable: true,
    tellPeer: false,
    text: "Cannot listen there.",
    remedy: "Name another address with --host, or another port with --port.",
  },
  tls_refused: {
    retryable: false,
    tellPeer: false,
    text: "The TLS certificate and key cannot be used.",
    remedy: "Both have to be PEM, and belong together.",
  },
  wrong_proxy_address: {
    retryable: false,
    tellPeer: false,
    text: "This is no address of a proxy.",
    remedy: "A proxy to trust is named by its IP address, or by a block of them as in 10.0.0.0/8.",
  },

  // files and stores
  disk_full: {
    retryable: false,
    tellPeer: true,
    text: "There is no space left on the disk.",
    remedy: "Make room there and try again.",
  },
  file_refused: {
    retryable: false,
    tellPeer: false,
    text: "The system does not allow this with the file or directory.",
    remedy: "Check whose it is and its permissions, and whether the disk is read-only.",
  },
  file_failed: {
    retryable: false,
    tellPeer: false,
    text: "The system could not do this with the file or directory.",
    remedy: "The reason is the system's: check the disk and the path.",
  },
  lmdb_missing: {
    retryable: false,
    tellPeer: false,
    text: "The package lmdb, which keeps stores on disk, cannot be loaded.",
    remedy:
      "Install it beside keysaga with npm install lmdb@3.5.6, or with npm install --global lmdb@3.5.6 for the command.",
  },
  store_failed: {
    retryable: true,
    tellPeer: true,
    text: "The store could not complete the operation.",
    remedy: "Try again. If it fails again, check the disk, and that the store was made by this version.",
  },
  store_damaged: {
    retryable: false,
    tellPeer: false,
    text: "The store is damaged.",
    remedy: "Run keysaga verify to see what is wrong, and put the home back from a backup.",
  },
  store_crashed: {
    retryable: false,
    tellPeer: false,
    text: "The store crashed its reader: its file is damaged.",
    remedy: "Put the home back from a backup.",
  },
  internal: {
    retryable: false,
    tellPeer: true,
    text: "An internal error occurred.",
    remedy:
      "It is a fault of keysaga, or of a function that was handed to it: the cause is what was thrown. Report it with its facts.",
  },
});

import {
  concatBytes,
  fromBase64Url,
  fromHex,
  fromUtf8,
  KeysagaError,
  sameBytes,
  sha256,
  toBase64Url,
  toHex,
  utf8,
} from "../../base/index.js";
import { type Address, addressOf, gibOf } from "../../ibgib/index.js";

/** What an invite says to who was given it. `key` is a secret: whoever shows it first is let in. */
export interface Invite {
  /** 16 bytes, in hex. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Where the receiver is reached: `ws://` or `wss://`. */
  readonly url: string;
  /** The identity that has to answer there. */
  readonly receiver: Address;
}

/** In front of the base64url of all else, so that one sees what it is. */
export const invitePrefix = "keysaga-invite.v1.";

/** Bytes of each part: checksum, id, key, hash of the receiver's identity; the URL is the rest. */
const sizes = { checksum: 4, id: 16, key: 32, receiver: 32 };
const headBytes = Object.values(sizes).reduce((sum, size) => sum + size);
export const urlBytesMax = 512;
const textLengthMax = invitePrefix.length + Math.ceil(((headBytes + urlBytesMax) * 4) / 3);
const label = utf8("keysaga/invite-text/1");

/** An invite as one word that pastes into a shell. @throws KeysagaError `invite_not_made` for a URL that none may have. */
export function writeInvite({ url, receiver, id, key }: Invite): string {
  if (!isInviteUrl(url)) throw new KeysagaError("invite_not_made", { rule: "url" });
  const said = concatBytes(bytesOf(id), key, bytesOf(gibOf(receiver).toLowerCase()), utf8(url));
  return invitePrefix + toBase64Url(concatBytes(checksumOf(said), said));
}

/**
 * Reads an invite as `createInvite` gave it out; spaces around it do not count. What was mistyped or cut off is noticed in
 * all but one of four thousand million cases. Nothing is asked of the receiver: whether the invite is good, it alone knows.
 *
 * @throws KeysagaError `invite_malformed`
 */
export function readInvite(text: string): Invite {
  const word = text.slice(0, 2 * textLengthMax).trim();
  if (!word.startsWith(invitePrefix)) throw malformed("prefix");
  if (word.length > textLengthMax) throw malformed("length");
  const bytes = fromBase64Url(word.slice(invitePrefix.length));
  if (!bytes) throw malformed("base64url");
  if (bytes.length <= headBytes) throw malformed("length");
  if (!sameBytes(bytes.subarray(0, sizes.checksum), checksumOf(bytes.subarray(sizes.checksum))))
    throw malformed("checksum");
  return readParts(bytes.subarray(sizes.checksum));
}

/** Is this meant as an invite, right or wrong, and not as a URL? */
export function isInviteText(text: string): boolean {
  return text.trim().startsWith("keysaga-invite.");
}

function readParts(said: Uint8Array): Invite {
  const keyAt = sizes.id;
  const receiverAt = keyAt + sizes.key;
  const urlAt = receiverAt + sizes.receiver;
  const url = fromUtf8(said.subarray(urlAt));
  if (url === undefined || !isInviteUrl(url)) throw malformed("url");
  const hash = toHex(said.subarray(receiverAt, urlAt)).toUpperCase();
  return {
    url,
    receiver: addressOf("keystone.identity", hash),
    id: toHex(said.subarray(0, keyAt)),
    key: said.slice(keyAt, receiverAt),
  };
}

/** What is dialled, and printed on terminals: plain letters, no secret of its own, nothing that is not sent. */
function isInviteUrl(text: string): boolean {
  if (!/^wss?:\/\/[\x21-\x7e]+$/.test(text) || text.length > urlBytesMax || !URL.canParse(text)) return false;
  const { username, password, hash } = new URL(text);
  return username === "" && password === "" && hash === "";
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (!bytes) throw new KeysagaError("internal", { what: "an id or address that is no hex" });
  return bytes;
}

function checksumOf(said: Uint8Array): Uint8Array {
  return sha256(label, said).subarray(0, sizes.checksum);
}

function malformed(rule: string): KeysagaError {
  return new KeysagaError("invite_malformed", { rule });
}

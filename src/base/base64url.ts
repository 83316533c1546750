/** RFC 4648, section 5, without padding: letters that no shell and no URL reads as anything else. */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const valueByLetter = new Map(Array.from(alphabet, (letter, value) => [letter, value]));

export function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const bits = (a! << 16) | (b << 8) | c;
    const letters = Math.min(4, bytes.length - at + 1);
    for (let nth = 0; nth < letters; nth++) text += alphabet[(bits >> (18 - 6 * nth)) & 63];
  }
  return text;
}

/** The bytes of base64url, or undefined: there is one accepted spelling, without padding or bits left over. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    const value = valueByLetter.get(letter);
    if (value === undefined) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[at++] = (bits >> held) & 255;
  }
  const isWhole = at === bytes.length && text.length % 4 !== 1;
  return isWhole && (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}

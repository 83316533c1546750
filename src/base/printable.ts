/**
 * Text from elsewhere as a log or a terminal may have it: one line without control or formatting characters, and not
 * endless.
 */
export function printable(text: string, lengthMax = 120): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\u{FFFD}");
  return plain.length > lengthMax ? `${plain.slice(0, lengthMax)}…` : plain;
}

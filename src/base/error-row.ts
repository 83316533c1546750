/** What a row of the table of errors has to say about a code. */
export interface ErrorRow {
  /** May the same call succeed later without anyone changing anything? */
  readonly retryable: boolean;
  /** Is the code sent to the other side before the connection closes? */
  readonly tellPeer: boolean;
  /** What happened. Safe to show to anyone; it never holds data of a peer or a secret. */
  readonly text: string;
  /** What whoever sees it can do. */
  readonly remedy: string;
}

/** The remedy where only a fault or an attack of one side explains it. */
export const atFault =
  "What was not committed by then is dropped. If it happens again, report it with its facts: the software of the side that sent this is at fault, or that side attacks.";

/** Rows whose codes the compiler knows, and nothing else of them: a text may change without changing a type. */
export function errorRows<const Code extends string>(
  rows: Readonly<Record<Code, ErrorRow>>,
): Readonly<Record<Code, ErrorRow>> {
  return rows;
}

/** How often a property is tried: `few` times by default, as often as KEYSAGA_RUNS says for a long look. */
export function runs(few: number): { readonly numRuns: number } {
  const asked = Number(process.env["KEYSAGA_RUNS"]);
  return { numRuns: Number.isSafeInteger(asked) && asked > 0 ? asked : few };
}

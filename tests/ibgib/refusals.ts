import { KeysagaError } from "../../src/base/index.js";

/** `code rule` (or `code limit`) of the KeysagaError a call throws; undefined where it throws nothing. */
export function refusalOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (error instanceof KeysagaError) return `${error.code} ${error.facts["rule"] ?? error.facts["limit"]}`;
    throw error;
  }
}

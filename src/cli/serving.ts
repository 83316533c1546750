import { z } from "zod";
import { type Identity, KeysagaError, type Space } from "../index.js";

/** A cell of the command's own: what senders dial to reach the receiver that was last served from a home. */
const key = "serving/";
const Stored = z.strictObject({ audiences: z.array(z.string()).min(1) });

/** @returns The origins, the one to hand out first; undefined where no receiver was served from this home. */
export async function readServing(space: Space): Promise<readonly string[] | undefined> {
  const bytes = await space.cell(key);
  if (!bytes) return undefined;
  try {
    return Stored.parse(JSON.parse(Buffer.from(bytes).toString("utf8"))).audiences;
  } catch (cause) {
    throw new KeysagaError("store_damaged", { found: "cell", kind: key }, { cause });
  }
}

/** Durable when it resolves. Of several that are served from one home, the newest counts. */
export async function keepServing(
  { space, address }: Pick<Identity, "space" | "address">,
  audiences: readonly string[],
): Promise<void> {
  const to = Buffer.from(JSON.stringify({ audiences }));
  for (;;) {
    const from = await space.cell(key);
    if (from && to.equals(from)) return;
    const { kind } = await space.commit({
      holder: address,
      sight: { holders: [] },
      cells: [{ key, from, to }],
    });
    if (kind === "committed") return;
  }
}

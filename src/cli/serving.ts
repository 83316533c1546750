import * as z from "zod";
import { type Identity, KeysagaError, type Space } from "../index.js";

/** How a receiver was last served from a home, in a cell of the command's own: for the commands that run beside it. */
const Serving = z.strictObject({
  /** The origins that senders dial, the one to hand out first. */
  audiences: z.array(z.string()).min(1),
  admits: z.enum(["open", "allow-list", "invite", "ask"]),
});
export type Serving = z.infer<typeof Serving>;

const key = "serving/";

/** @returns Undefined where no receiver was served from this home. */
export async function readServing(space: Space): Promise<Serving | undefined> {
  const bytes = await space.cell(key);
  if (!bytes) return undefined;
  try {
    return Serving.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (cause) {
    throw new KeysagaError("store_damaged", { found: "cell", kind: key }, { cause });
  }
}

/** Durable when it resolves. Of several that are served from one home, the newest counts. */
export async function keepServing(
  { space, address }: Pick<Identity, "space" | "address">,
  { audiences, admits }: Serving,
): Promise<void> {
  const to = Buffer.from(JSON.stringify({ audiences, admits }));
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

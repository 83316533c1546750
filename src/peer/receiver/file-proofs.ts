import { type Filing, joinFilings, nothingFiled } from "../home/filing.js";
import { fileAttested, keepMade } from "../rights/attestations.js";
import { fileParts } from "../rights/proof-parts.js";
import type { CommitEffect, JudgedMoves } from "./judged-moves.js";
import type { Committing } from "./receiver-commit.js";

/** Who made the frames that a commit takes, by its own signature and by what came with it, and what that rests on. */
export async function fileProofs(
  { space, conversation, evidence }: Committing,
  { saga, made }: CommitEffect,
  { proved, own }: Pick<JudgedMoves, "proved" | "own">,
): Promise<Filing> {
  const { established } = conversation;
  const { session } = established;
  const committing = { space, established, ownFrames: [] };
  const signed = made.signature === undefined ? undefined : { session, saga, signature: made.signature };
  return joinFilings([
    signed ? await keepMade(committing, signed, made.entries, ({ frame }) => own.has(frame)) : nothingFiled,
    await fileAttested(space, evidence, proved),
    await fileParts(space, evidence.parts),
  ]);
}

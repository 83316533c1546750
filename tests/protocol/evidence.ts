/** Evidence by people whose keys are at hand, and spaces that take it in as a commit does. */
import { expect } from "vitest";
import type { Address } from "../../src/ibgib/index.js";
import { type Space, verifySpace } from "../../src/index.js";
import { type Filing, joinFilings } from "../../src/peer/home/filing.js";
import { checkEvidence, fileAttested } from "../../src/peer/rights/attestations.js";
import { fileParts } from "../../src/peer/rights/proof-parts.js";
import { type Evidence, type MadeFrame, sagaLimits } from "../../src/saga/index.js";
import { newNotes, Person, Session, tipOf } from "../saga/commits.js";

export async function put(space: Space, filing: Filing): Promise<void> {
  expect((await space.commit({ ...nobody, ...filing })).kind).toBe("committed");
}

export const nobody = { holder: "nobody^gib" as Address, sight: { holders: [] } };

/** Takes in evidence as it came: checks it, and keeps it as a commit does. */
export async function take(space: Space, evidence: readonly Evidence[]) {
  const checked = await checkEvidence({ space, address: nobody.holder }, evidence);
  const frames = new Set([...checked.attested.values()].flat().map(({ frame }) => frame));
  const filing = joinFilings([
    await fileAttested(space, checked, frames),
    await fileParts(space, checked.parts),
  ]);
  await put(space, filing);
  return { ...filing, attesters: checked.attesters };
}

export const entriesOf = (count: number): MadeFrame[] =>
  Array.from({ length: count }, (_, at) => newNotes(new Person("alice"), `note ${at}`).entry);
export const framesOf = (entries: readonly MadeFrame[]) => entries.map(({ frame }) => frame);
export const listOf = (entries: readonly MadeFrame[]) => [...entries.map(tipOf), ...entries];

/** A session of somebody with right keystones, to one receiver or another, in which these frames are committed. */
export function sessionOf(person: Person, to = "receiver", name = "session") {
  const receiver = new Person(to);
  const lane = person.laneTo(receiver);
  return { lane, receiver, session: new Session(person, receiver, lane, { name }) };
}

export function evidenceOf(person: Person, entries: readonly MadeFrame[], to?: string): Evidence[] {
  const { session } = sessionOf(person, to);
  const list = session.commit(listOf(entries));
  const { frames, ...signed } = list;
  const items = [];
  for (let at = 0; at < frames.length; at += sagaLimits.framesProvedMax)
    items.push({ ...signed, frames: frames.slice(at, at + sagaLimits.framesProvedMax) });
  return [...session.parts, ...items];
}

export async function problemsOf(space: Space) {
  const found = [];
  for await (const each of verifySpace(space)) if (each.kind === "problem") found.push(each.problem);
  return found;
}

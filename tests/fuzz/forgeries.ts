import { sealRecord, toText } from "../../src/ibgib/index.js";
import { openedBy, signFrame } from "../../src/keystone/index.js";
import { internalsOf } from "../../src/peer/home/identity.js";
import { challengeTarget, signAsHost } from "../../src/saga/handshake.js";
import { type Dialogue, type Role, signTurn, type TurnDraft } from "../../src/saga/index.js";
import { mayFork } from "../one-time/ledger.js";
import { fieldsMutated, type Surroundings } from "./field-mutations.js";
import { closed, Inner, type Tree, textOf, treeOf } from "./json-tree.js";
import type { Signing } from "./notes.js";
import type { Choices } from "./random.js";
import type { Line, Recording } from "./recording.js";

/** What the holder of valid keys says: wrong content with right hashes and right signatures. */
export interface Forgery {
  readonly what: string;
  readonly text: string;
  /** Where its speaker stands afterwards, where it goes on signing. */
  readonly after?: Dialogue;
}

/** A text message of `line` as its speaker could have signed it; undefined where what it made cannot be signed at all. */
export function forged(
  recording: Recording,
  line: Line,
  choices: Choices,
  around: Surroundings,
): Forgery | undefined {
  if (typeof line.message !== "string") return undefined;
  try {
    const { type } = JSON.parse(line.message);
    if (type === "challenge" && choices.chance(0.6))
      return forgedChallenge(recording, line.message, choices, around);
    if (line.before && line.draft && choices.chance(0.7)) return forgedTurn(line, choices, around);
    return forgedFrame(recording, line.message, choices, around);
  } catch {
    return undefined; // no record, no canonical JSON, no frame of any keystone
  }
}

/** A turn that says something else, or is signed over another past than the one both have seen. */
function forgedTurn(
  { to, before, draft, secretFor }: Line,
  choices: Choices,
  around: Surroundings,
): Forgery | undefined {
  if (!before || !draft || !secretFor) return undefined;
  const role: Role = to === "receiver" ? "sender" : "receiver";
  const isOtherPast = choices.chance(0.25);
  const { evidence: _gone, ...said } = draft;
  const { entries, ...scalars } = said;
  const travelled = before.voices[role].payload.entries.length > 0;
  const spoken = travelled ? scalars : { ...scalars, ...(entries && { entries }) };
  const past = isOtherPast ? otherPast(before, role, choices, around) : before;
  const words: TurnDraft = isOtherPast
    ? spoken
    : JSON.parse(fieldsMutated(JSON.stringify(spoken), choices, around));
  const { signed, dialogue } = signTurn(past, role, words, secretFor);
  return {
    what: isOtherPast ? "another past" : "another turn",
    text: JSON.stringify(signed),
    after: dialogue,
  };
}

/** The same dialogue with wrong totals, payload, place, saga or context before. */
function otherPast(before: Dialogue, role: Role, choices: Choices, around: Surroundings): Dialogue {
  const { totals, payload, lastContext } = before.voices[role];
  const told = { totals, payload, lastContext, turn: before.turn, saga: before.saga };
  const { turn, saga, ...voice } = JSON.parse(fieldsMutated(JSON.stringify(told), choices, around));
  const voices = { ...before.voices, [role]: { ...before.voices[role], ...voice } };
  return { ...before, voices, turn, saga };
}

/** The message with one of its keystone frames made anew by whoever holds that keystone. */
function forgedFrame(
  { signings }: Recording,
  text: string,
  choices: Choices,
  around: Surroundings,
): Forgery | undefined {
  const mutated = (unsigned: Tree) => JSON.parse(fieldsMutated(JSON.stringify(unsigned), choices, around));
  const said = JSON.parse(text);
  if (said.type === "turn") {
    const signing = signings.find(({ frame }) => toText(frame)[3].includes(said.proof.signature));
    const proof = signing && openedBy(signedAnew(signing, mutated));
    return proof && { what: "another frame", text: JSON.stringify({ ...said, proof }) };
  }
  const tree = treeOf(text);
  const shown = signings.flatMap((signing) => {
    const place = placeOf(tree, signing.frame.gib);
    return place ? [{ signing, place }] : [];
  });
  const one = choices.pick(shown);
  if (!one) return undefined;
  const frame = signedAnew(one.signing, mutated);
  for (const [at, part] of toText(frame).entries()) one.place[at] = part;
  return { what: "another frame", text: textOf(tree) };
}

function placeOf(tree: Tree, gib: string): Tree[] | undefined {
  if (tree instanceof Inner) return placeOf(tree.value, gib);
  if (Array.isArray(tree) && tree.length === 4 && tree[1] === gib) return tree;
  if (typeof tree !== "object" || tree === null) return undefined;
  for (const member of Object.values(tree)) {
    const place = placeOf(member, gib);
    if (place) return place;
  }
  return undefined;
}

function signedAnew({ unsigned, state, secretFor }: Signing, change: (unsigned: Tree) => Tree) {
  const changed = change(structuredClone(unsigned));
  return mayFork(() => signFrame(changed, { ...state, tip: changed.rel8ns.past[0] }, secretFor));
}

/** A challenge that demands, shows or names something else; R1 and the host key stand for it. */
function forgedChallenge(
  { signings, lines, cast }: Recording,
  text: string,
  choices: Choices,
  around: Surroundings,
): Forgery | undefined {
  const signing = signings.find(({ unsigned }) => unsigned.data.proofs[0].claim.verb === "challenge");
  if (!signing) return undefined;
  const body = JSON.parse(fieldsMutated(JSON.parse(text).body, choices, around));
  const [ib, , , data] = body.session;
  const genesis = sealRecord({ ib, data: JSON.parse(data) }).address;
  const { certifiedBy } = body.host;
  if (choices.chance(0.8))
    body.host.signature = signAsHost(internalsOf(cast.rita.identity).hostSeed, certifiedBy, genesis);
  const said = JSON.stringify(closed(body));
  const [hello, open] = [saidBefore(lines, "hello"), saidBefore(lines, "open")];
  const frame = signedAnew(signing, (unsigned) => {
    unsigned.data.proofs[0].claim.target = challengeTarget(hello, open, said);
    unsigned.rel8ns = { past: [genesis], tjp: [genesis] };
    return unsigned;
  });
  return {
    what: "another challenge",
    text: JSON.stringify({ type: "challenge", body: said, proof: { frame: toText(frame) } }),
  };
}

function saidBefore(lines: readonly Line[], type: string): string {
  const line = lines.find(
    ({ message }) => typeof message === "string" && message.startsWith(`{"type":"${type}"`),
  );
  return String(line?.message);
}

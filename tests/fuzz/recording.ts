import type { SecretFor } from "../../src/keystone/index.js";
import type { Dialogue, TurnDraft } from "../../src/saga/index.js";
import type { TapSide } from "../../src/testing/index.js";
import { type Connection, innerspacePair, type Message } from "../../src/transport/index.js";
import { type Shown, shownBy } from "./aftermath.js";
import { type Cast, openCast } from "./cast.js";
import { type Moment, Notes, recorder, type Signing } from "./notes.js";
import { type Story, stories, type Wish } from "./stories.js";

/** One message of an honest session, with what its speaker can say instead. */
export interface Line {
  readonly to: TapSide;
  readonly message: Message;
  /** How many messages its speaker had heard before. */
  readonly cue: number;
  /** Of a turn or payload: the dialogue of its speaker before it, and the keys. */
  readonly before?: Dialogue | undefined;
  readonly draft?: TurnDraft | undefined;
  readonly secretFor?: SecretFor | undefined;
}

/** An honest session, message by message, the states it led through, and its cast as it stood before. */
export interface Recording {
  readonly name: string;
  readonly story: Story;
  readonly cast: Cast;
  readonly wishes: readonly Wish[];
  readonly lines: readonly Line[];
  readonly moments: readonly Moment[];
  readonly signings: readonly Signing[];
  /** What each side showed before, and once it was over. */
  readonly traces: Readonly<Record<TapSide, { readonly before: Shown; readonly after: Shown }>>;
}

/** Records one story. What was prepared is what the cast is rewound to from then on. */
export async function record(name: string, seed: string): Promise<Recording> {
  const story = stories[name]!;
  const cast = await openCast(`${seed} ${name}`, story.earlier ?? (async () => undefined));
  return recordSession(name, story, cast, await story.prepare(cast));
}

/** Two sessions of the same two, one after the other, with the same timeline in both. */
export async function recordTwice(seed: string): Promise<readonly [Recording, Recording]> {
  const story = stories["known sender"]!;
  const cast = await openCast(`${seed} twice`, async () => undefined);
  const wishes = await story.prepare(cast);
  const first = await recordSession("first", story, cast, wishes);
  await undisturbed(cast, wishes);
  await cast.sam.edit(wishes[0]!.roots[0]!, { text: "once more" });
  for (const { stand } of [cast.sam, cast.rita]) stand.differ();
  return [first, await recordSession("second", story, cast, wishes)];
}

/** The session that was recorded, once more, so that it has happened. */
async function undisturbed(cast: Cast, wishes: readonly Wish[]): Promise<void> {
  const { end, over } = relay(cast, new Notes(), [], () => undefined);
  const sender = cast.senderOver(end);
  for (const { roots, direction } of wishes) await sender.sync(roots, { direction });
  await sender.disconnect();
  await over;
}

async function recordSession(
  name: string,
  story: Story,
  cast: Cast,
  wishes: readonly Wish[],
): Promise<Recording> {
  const { sam, rita } = cast;
  for (const player of [sam, rita]) player.save();
  for (const player of [sam, rita]) player.rewind();
  const before = { sender: await shownBy(sam), receiver: await shownBy(rita) };
  const notes = new Notes();
  recorder.notes = notes;
  const heard: Omit<Line, "before" | "draft" | "secretFor">[] = [];
  try {
    const { end, over } = relay(cast, notes, heard, () => story.meanwhile?.(cast, wishes));
    const sender = cast.senderOver(end);
    for (const { roots, direction } of wishes) await sender.sync(roots, { direction });
    await sender.disconnect();
    await over;
  } finally {
    recorder.notes = undefined;
  }
  const after = { sender: await shownBy(sam), receiver: await shownBy(rita) };
  for (const player of [sam, rita]) player.rewind();
  return {
    name,
    story,
    cast,
    wishes,
    lines: heard.map((line) => ({ ...line, ...knownOf(notes, line.message) })),
    moments: notes.moments,
    signings: notes.signings,
    traces: {
      sender: { before: before.sender, after: after.sender },
      receiver: { before: before.receiver, after: after.receiver },
    },
  };
}

function knownOf(notes: Notes, message: Message): Pick<Line, "before" | "draft" | "secretFor"> {
  if (typeof message === "string") return notes.spoken.get(message) ?? {};
  for (const [frame, before] of notes.counted)
    if (frame.length === message.length && Buffer.compare(frame, message) === 0) return { before };
  return {};
}

/** Hands on one message after another between the two, and writes them down. */
function relay(
  { receiver }: Cast,
  notes: Notes,
  lines: Omit<Line, "before" | "draft" | "secretFor">[],
  meanwhile: () => Promise<void> | undefined,
): { readonly end: Connection; readonly over: Promise<void> } {
  const timers = { after: () => () => undefined };
  const near = innerspacePair({ timers });
  const far = innerspacePair({ timers });
  let last: Promise<unknown> = Promise.resolve();
  const pass = (to: TapSide, message: Message) => {
    const from = to === "sender" ? "receiver" : "sender";
    lines.push({ to, message, cue: notes.heard[from] });
    last = last.then(async () => {
      if (isTurn(message, "ack")) await meanwhile();
      notes.heard[to] += 1;
      (to === "sender" ? near.right : far.left).send(message);
    });
  };
  const over = new Promise<void>((resolve) => {
    far.left.start({ message: (message) => pass("sender", message), closed: () => resolve() });
  });
  near.right.start({
    message: (message) => pass("receiver", message),
    closed: () => void far.left.close(),
  });
  receiver.accept(far.right);
  return { end: near.left, over };
}

/** Is it a text message of this type? */
export function isNamed(message: Message, type: string): boolean {
  return typeof message === "string" && message.includes(`"type":"${type}"`);
}

/** Is it a turn of this type? */
export function isTurn(message: Message, type: string): boolean {
  return (
    typeof message === "string" && message.startsWith(`{"type":"turn","body":"{\\"type\\":\\"${type}\\"`)
  );
}

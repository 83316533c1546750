import type { Surroundings } from "./field-mutations.js";
import { closed, sitesOf, type Tree, treeOf } from "./json-tree.js";
import { Choices } from "./random.js";
import { type Recording, record } from "./recording.js";
import { stories } from "./stories.js";

/** Everything that cases are made of. */
export interface Corpus {
  readonly recordings: readonly Recording[];
  readonly around: Surroundings;
}

/** Words that no story makes anybody say. */
const alsoSaid = [
  '{"type":"error","code":"sync_error"}',
  '{"type":"error","code":"auth_fail"}',
  '{"type":"credit","frames":1}',
  '{"type":"credit","frames":8}',
];

/** Records every story, under one seed. */
export async function gather(seed: number): Promise<Corpus> {
  const recordings: Recording[] = [];
  for (const name of Object.keys(stories)) recordings.push(await record(name, String(seed)));
  const said = recordings.flatMap(({ lines }) => lines.map(({ message }) => message));
  const texts = said.filter((message) => typeof message === "string");
  const words = new Set(
    texts.flatMap((text) => text.match(/[\w. ]+\^[0-9A-F.]{64,}|[0-9a-f]{32,}|\w{3,20}/g) ?? []),
  );
  const all = [...texts, ...alsoSaid];
  return {
    recordings,
    around: { words: [...words], texts: all, parts: partsOf(all, new Choices(seed, -1)) },
  };
}

/** A few parts of each message, as they are written: records, lists, members. */
function partsOf(texts: readonly string[], choices: Choices): readonly Tree[] {
  return texts.flatMap((text) => {
    const sites = sitesOf(treeOf(text));
    return Array.from({ length: 20 }, () => choices.pick(sites)).map(
      (site) => site && closed(site.holder[site.key]),
    );
  });
}

/** A story, each as often as it weighs. */
export function pickRecording({ recordings }: Corpus, choices: Choices): Recording {
  const weights = Object.fromEntries(recordings.map(({ name, story }) => [name, story.weight]));
  const name = choices.weighed(weights);
  return recordings.find((recording) => recording.name === name)!;
}

/** Any message of the corpus, of whatever story and side: what was recorded in another session. */
export function pickForeign(corpus: Corpus, choices: Choices) {
  const { lines } = pickRecording(corpus, choices);
  return choices.pick(lines)!;
}

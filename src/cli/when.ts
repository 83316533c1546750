import { UsageError } from "./command.js";

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const;

/**
 * A moment that lies ahead, as a person says it: `30m`, `12h`, `7d` or `4w` from now; a day, which ends with it; a time
 * with its zone. Days are those of UTC.
 *
 * @param option What it was given for, for the message.
 * @returns Milliseconds since the epoch.
 */
export function parseWhen(text: string, option: string, now: number): number {
  const when = momentOf(text, now);
  if (when === undefined)
    throw new UsageError(`${option} takes 30m, 12h, 7d or 4w, or 2030-01-31, or 2030-01-31T12:00Z`);
  if (when <= now) throw new UsageError(`${option} ${text} has passed already`);
  return when;
}

function momentOf(text: string, now: number): number | undefined {
  const span = /^(\d{1,5})([mhdw])$/.exec(text);
  if (span) return now + Number(span[1]) * unitMs[unitOf(span[2])];
  const day = /^\d{4}-\d\d-\d\d(?=$|T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)$)/.exec(text)?.[0];
  if (day === undefined || !isDay(day)) return undefined;
  const when = Date.parse(text === day ? `${day}T00:00Z` : text);
  if (Number.isNaN(when)) return undefined;
  return text === day ? when + unitMs.d : when;
}

function unitOf(letter: string | undefined): keyof typeof unitMs {
  return letter === "m" || letter === "h" || letter === "d" ? letter : "w";
}

/** `Date` takes the 30th of February for a day in March. */
function isDay(day: string): boolean {
  const when = new Date(`${day}T00:00Z`);
  return !Number.isNaN(when.getTime()) && when.toISOString().startsWith(day);
}

import { parseArgs } from "node:util";
import type { Context } from "./context.js";

/** What a command ends with. `attention`: done, and something is left for a person to look at. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, attention: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What the person typed cannot be meant: one line, and where to read on. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An option as `parseArgs` takes it, and as `--help` shows it. */
export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly multiple?: boolean;
  /** Stands for the value in the help: `DIR`. */
  readonly value?: string;
  readonly about: string;
}
type Options = Record<string, Option>;

type ValueOf<Of extends Option> = Of["type"] extends "boolean" ? boolean : string;
/** The values of options: lists where they may be given several times, `undefined` where they were not. */
export type Values<Of extends Options> = {
  readonly [Name in keyof Of]: Of[Name] extends { multiple: true }
    ? readonly ValueOf<Of[Name]>[] | undefined
    : ValueOf<Of[Name]> | undefined;
};

export interface Definition<Of extends Options, Operands extends readonly string[]> {
  readonly name: string;
  /** A few words for the list of commands. */
  readonly summary: string;
  /** What it does, in one paragraph or two. */
  readonly about: string;
  /** Names of the operands, in order, as the usage shows them. One that ends with `?` may be left out. */
  readonly operands: Operands;
  readonly options: Of;
  readonly examples: readonly string[];
  /** A list that the help has behind the options. */
  readonly list?: { readonly title: string; readonly rows: readonly (readonly [string, string])[] };
  run(context: Context, values: Values<Of>, operands: OperandValues<Operands>): Promise<ExitCode>;
}
export type OperandValues<Operands extends readonly string[]> = {
  readonly [At in keyof Operands]: Operands[At] extends `${string}?` ? string | undefined : string;
};

/** A command, its arguments not yet read. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  /** @throws UsageError, or whatever the command fails with. */
  run(context: Context, args: readonly string[]): Promise<ExitCode>;
}

const helpOption = { type: "boolean", short: "h", about: "Show this help." } as const satisfies Option;

/** Options that several commands have, told in one way. */
export const commonOptions = {
  home: {
    type: "string",
    value: "DIR",
    about: "Where the identity lies (default: KEYSAGA_HOME, or ~/.keysaga).",
  },
  json: { type: "boolean", about: "Print one JSON object instead of text." },
  unconfirmed: {
    type: "boolean",
    about: "Sign although not all that could know better were asked: if one does, it forks the identity.",
  },
} as const satisfies Options;

/** Makes a command: its arguments are checked, and its help is written, by what its definition says. */
export function defineCommand<const Of extends Options, const Operands extends readonly string[]>(
  definition: Definition<Of, Operands>,
): Command {
  const { name, summary, run } = definition;
  const help = helpOf(definition);
  return {
    name,
    summary,
    help,
    async run(context, args) {
      const { values, positionals } = parse(args, { ...definition.options, help: helpOption });
      if (values["help"] === true) {
        context.stdout.write(help);
        return exitCodes.ok;
      }
      checkOperands(definition.operands, positionals);
      // parseArgs has checked the values against these very options, and the count of operands was checked above.
      return run(context, values as Values<Of>, positionals as OperandValues<Operands>);
    },
  };
}

function parse(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new UsageError(sentenceOf(thrown));
  }
}

/** parseArgs says what is wrong in its first sentence, and how programs quote in the next. */
function sentenceOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const [first = text] = text.split(/\.(?:\s|$)/);
  return first.replace(/\s+/g, " ").replace(/^[A-Z]/, (letter) => letter.toLowerCase());
}

function checkOperands(names: readonly string[], given: readonly string[]): void {
  const missing = names[given.length];
  if (missing !== undefined && !missing.endsWith("?")) throw new UsageError(`${missing} is missing`);
  const tooMany = given[names.length];
  if (tooMany !== undefined) throw new UsageError(`unexpected argument '${tooMany}'`);
}

function helpOf<Of extends Options>(definition: Definition<Of, readonly string[]>): string {
  const { name, about, operands, options, examples, list } = definition;
  const shown = operands.map((operand) => (operand.endsWith("?") ? `[${operand.slice(0, -1)}]` : operand));
  const usage = ["Usage: keysaga", name, "[options]", ...shown].join(" ");
  const rows = Object.entries<Option>({ ...options, help: helpOption }).map(optionRow);
  return [
    usage,
    "",
    about,
    "",
    "Options:",
    ...columns(rows),
    "",
    ...(list ? [list.title, ...columns(list.rows), ""] : []),
    "Examples:",
    ...examples.map((example) => `  ${example}`),
    "",
  ].join("\n");
}

function optionRow([name, { short, value, multiple, about }]: [string, Option]): [string, string] {
  const left = `${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}${multiple ? " …" : ""}`;
  return [left, about];
}

/** Two columns, the first as wide as its longest cell. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

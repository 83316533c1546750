/**
 * Runs seeded worlds (docs/testing.md) and says what came of them; fails where an invariant broke.
 *
 *     npm run simulate -- --seeds 1000 [--from 1] [--profile mixed] [--jobs 2]
 *     npm run simulate -- --seed 17 [--profile crashes] [--steps 0,3,4] [--verbose]
 *     npm run simulate -- --seeds 1000 --twice        each world twice, to see that both are the same
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  describeFailure,
  isProfileName,
  onlySteps,
  type Outcome,
  type ProfileName,
  profiles,
  programOf,
  runProgram,
  shrink,
  sumOf,
} from "../src/testing/simulation/index.js";

/** What one process is to run: every `stride`th seed. */
interface Share {
  readonly from: number;
  readonly end: number;
  readonly stride: number;
  readonly profile: ProfileName;
  readonly twice: boolean;
}

interface Result {
  readonly seed: number;
  readonly outcome: Outcome;
}

/** Failures that are described; of more, the seeds. */
const describedMax = 3;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    steps: { type: "string" },
    profile: { type: "string", default: "mixed" },
    jobs: { type: "string", default: "1" },
    twice: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
  },
});

async function main(): Promise<void> {
  if (values.worker) return work();
  const { profile } = values;
  if (!isProfileName(profile))
    fail(`there is no profile ${profile}; there are ${Object.keys(profiles).join(", ")}`);
  if (values.seed !== undefined) return runOne(values.seed, profile);
  const from = numberOf("from");
  const jobs = numberOf("jobs");
  const share = { end: from + numberOf("seeds"), stride: jobs, profile, twice: values.twice };
  const begun = performance.now();
  const shares = Array.from({ length: jobs }, (_, at) => ({ ...share, from: from + at }));
  const results =
    jobs === 1 ? await runShare(shares[0]!) : (await Promise.all(shares.map(runElsewhere))).flat();
  await report(results, profile, performance.now() - begun);
}

async function runOne(seed: string, profile: ProfileName): Promise<void> {
  const whole = programOf(seed, profile);
  const program = values.steps === undefined ? whole : onlySteps(whole, values.steps.split(",").map(Number));
  const outcome = await runProgram(program, values.verbose ? { hear: (line) => console.log(line) } : {});
  for (const { rule, what, at } of outcome.violations) console.log(`after ${at} ms: ${rule}: ${what}`);
  console.log(
    `${outcome.violations.length} violations in ${outcome.simulatedMs} simulated ms, trace ${outcome.hash}`,
  );
  if (outcome.violations.length > 0) process.exitCode = 1;
}

async function runShare({ from, end, stride, profile, twice }: Share): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let seed = from; seed < end; seed += stride) {
    const program = programOf(String(seed), profile);
    const outcome = await runProgram(program);
    if (twice && (await runProgram(program)).hash !== outcome.hash)
      fail(`seed ${seed} gave two different traces`);
    results.push({ seed, outcome });
  }
  return results;
}

/** Runs in a process of its own: what was asked for comes as a message, and what came of it goes back as one. */
async function work(): Promise<void> {
  const [share] = await once(process, "message");
  const results = await runShare(share);
  process.send?.(results, () => process.disconnect());
}

async function runElsewhere(share: Share): Promise<readonly Result[]> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ["--worker"], {
    execArgv: process.execArgv,
  });
  child.send(share);
  child.on("exit", (code) => code !== 0 && fail(`a worker ended with ${code}`));
  const [results] = await once(child, "message");
  return results;
}

async function report(results: readonly Result[], profile: ProfileName, realMs: number): Promise<void> {
  const counts = sumOf(results.map(({ outcome }) => outcome.counts));
  const simulatedMs = results.reduce((sum, { outcome }) => sum + outcome.simulatedMs, 0);
  const failed = results.filter(({ outcome }) => outcome.violations.length > 0);
  const total = (kind: Readonly<Record<string, number>>) =>
    Object.values(kind).reduce((sum, n) => sum + n, 0);
  console.log(`${results.length} worlds (${profile}), ${failed.length} with a violation`);
  console.log(`sagas run           ${counts.run["sagas"] ?? 0}`);
  console.log(`faults injected     ${total(counts.faults)}`);
  for (const [name, count] of sorted(counts.faults)) console.log(`  ${name.padEnd(46)} ${count}`);
  console.log(`invariants checked  ${total(counts.checks)}`);
  for (const [name, count] of sorted(counts.checks)) console.log(`  ${name.padEnd(46)} ${count}`);
  console.log(
    `calls ended in      ${sorted(counts.ended)
      .map(([code, count]) => `${code} ${count}`)
      .join(", ")}`,
  );
  const speed = Math.round(simulatedMs / realMs);
  console.log(`simulated time      ${hours(simulatedMs)}, in ${hours(realMs)}: ${speed} times as fast`);
  if (failed.length === 0) return;
  process.exitCode = 1;
  console.log(`failing seeds       ${failed.map(({ seed }) => seed).join(" ")}`);
  for (const { seed, outcome } of failed.slice(0, describedMax)) {
    const smallest = await shrink(programOf(String(seed), profile), outcome, runProgram);
    console.log(`\n${describeFailure({ seed, profile, violation: outcome.violations[0]!, smallest })}`);
    const steps = smallest.kept.join(",");
    console.log(`  or: npm run simulate -- --profile ${profile} --seed ${seed} --steps ${steps} --verbose`);
  }
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function hours(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function numberOf(option: "seeds" | "from" | "jobs"): number {
  const number = Number(values[option]);
  return Number.isSafeInteger(number) && number > 0 ? number : fail(`--${option} takes a number`);
}

function fail(what: string): never {
  console.error(what);
  process.exit(2);
}

await main();

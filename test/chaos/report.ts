import { loadavg } from "node:os";
import { renderTable } from "../../local/replay/table.ts";
import type { JobFacts } from "./find-violations.ts";
import type { ChaosOptions } from "./options.ts";
import type { DeadLetter } from "./read-bus.ts";
import type { ChaosResult } from "./run-chaos.ts";

const MAX_SHOWN = 10;

/** Whether everything that was promised is so. */
export function isClean(result: ChaosResult): boolean {
  const { waiting, stuck, unknownJobs } = result.aftermath;
  const left = waiting.size + stuck.length + unknownJobs.length + unexplained(result).length;
  return result.violations.size + left === 0;
}

/**
 * Dead letters of jobs that have not ended as they should. The others are of messages that workers died
 * over again and again while their job's end stood already: nothing was lost with them.
 */
function unexplained({ jobs, violations, aftermath }: ChaosResult): readonly DeadLetter[] {
  const sound = new Set(
    jobs.filter((_, number) => !violations.has(number)).map(({ end }) => end?.view.id),
  );
  return aftermath.deadLetters.filter(({ jobId }) => !sound.has(jobId));
}

/** The run as a table, and what was violated with the facts of the job. */
export function report(result: ChaosResult, { seed }: ChaosOptions): string {
  const { violations } = result;
  const shown = [...violations].slice(0, MAX_SHOWN).map(([number, found]) => {
    const facts = result.jobs[number];
    return `job ${number} ${found.join("; ")}\n  ${facts ? JSON.stringify(factsOf(facts)) : ""}`;
  });
  return [renderTable(["what", "figure"], rows(result, seed)), ...shown].join("\n");
}

function rows(result: ChaosResult, seed: number): string[][] {
  const { jobs, kills, aftermath, violations, tookMs, refusedCalls } = result;
  const sum = (pick: (job: JobFacts) => number): string =>
    String(jobs.reduce((total, job) => total + pick(job), 0));
  return [
    ["seed", String(seed)],
    ["took", `${Math.round(tookMs / 1000)} s`],
    [
      "load average of the machine",
      loadavg()
        .map((load) => load.toFixed(1))
        .join(", "),
    ],
    ["kills", `${total(kills)} (${entries(kills)})`],
    ["jobs answered 202", String(jobs.filter(({ sent }) => sent.locations.length > 0).length)],
    ["requests sent for them", sum(({ sent }) => sent.sends)],
    ["sent again after", entries(countAll(jobs.flatMap(({ sent }) => sent.failures)))],
    ["final states", entries(countBy(jobs, ({ end }) => end?.view.state ?? "none"))],
    ["bytes of results compared", sum(({ end }) => end?.resultBody.byteLength ?? 0)],
    ["events on the topic", sum(({ told }) => told.length)],
    ["final events on the topic", sum(({ told }) => told.filter((event) => event.isFinal).length)],
    ["attempts", sum(({ end }) => end?.view.attempts ?? 0)],
    ["backend calls", sum(({ calls }) => calls?.count ?? 0)],
    ["calls a job: how many jobs", entries(countBy(jobs, ({ calls }) => calls?.count ?? 0))],
    ["whole answers a job: how many jobs", entries(countBy(jobs, answersOf))],
    ["calls refused by a backend that was down", String(refusedCalls)],
    ["jobs that no client knows", String(aftermath.unknownJobs.length)],
    ["orchestrations that did not end", String(aftermath.stuck.length)],
    ["messages left in lanes", entries(Object.fromEntries(aftermath.waiting)) || "0"],
    ["dead letters of jobs that ended as promised", explained(result)],
    ["other dead letters", lettersOf(unexplained(result))],
    ["jobs with a violation", String(violations.size)],
  ];
}

function explained(result: ChaosResult): string {
  const others = unexplained(result);
  return lettersOf(result.aftermath.deadLetters.filter((letter) => !others.includes(letter)));
}

const lettersOf = (letters: readonly DeadLetter[]): string =>
  letters.map(({ queue, jobId, reason }) => `${jobId} in ${queue}: ${reason}`).join(", ") || "0";
const answersOf = ({ calls }: JobFacts): number => calls?.answered ?? 0;
const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
const entries = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(", ");

function countBy(
  jobs: readonly JobFacts[],
  key: (job: JobFacts) => string | number,
): Record<string, number> {
  return countAll(jobs.map(key));
}

function countAll(values: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function factsOf({ sent, end, told, calls }: JobFacts): object {
  const { plan, locations, sends, refusals } = sent;
  const { at, key, user, isStream, faults } = plan;
  return {
    plan: { at: Math.round(at), key, user, isStream, faults, bodyBytes: plan.body.length },
    locations,
    sends,
    refusals,
    view: end?.view,
    result: end && { status: end.resultStatus, bytes: end.resultBody.byteLength },
    told: told.map(({ sequence, status }) => `${sequence} ${status}`),
    calls,
  };
}

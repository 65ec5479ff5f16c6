import type { Random } from "../core/domain.ts";
import type { TraceFields } from "../core/trace-context.ts";
import { FIRST_TURN } from "./job.ts";
import { MAX_REFUSALS, type PollReport, type ProviderWatch, pollDelayMs } from "./provider-work.ts";

/** What an orchestrator is started with, and carries on from when its history is cut. */
export interface JobEngineInput {
  readonly jobId: string;
  readonly expiresAt: number;
  readonly maxAttempts: number;
  /** How long to wait for a signal before the store is asked, in milliseconds. */
  readonly reconcileMs: number;
  /** The same for the first look at a job that was just stored; {@link firstLookMs}. */
  readonly firstLookMs?: number;
  /**
   * True for work that was promoted: its first attempt runs, or waits in its lane, already. The first
   * message of any job is sent by whoever holds its request, and here only where that did not happen.
   */
  readonly isInFlight?: boolean;
  /** Where in a trace the job was asked for: each of its attempts belongs there. */
  readonly trace?: TraceFields;
}

/** What the orchestrator is told: that an attempt is over, or that its turn was moved. */
export interface JobSignal {
  readonly attempt: number;
  /** True when the outcome stands in the store and nothing is left to do. */
  readonly isFinal: boolean;
  /** When to try again, in milliseconds from now, for an attempt that may be repeated. */
  readonly retryAfterMs?: number;
  /** True when a provider goes on with the work, and is to be asked how it stands. */
  readonly isHandedOver?: boolean;
  /** True when the job has ended though its work may not have: a provider is to be told. */
  readonly isAbandoned?: boolean;
  /** The epoch of the message that the attempt needs now, because the one before is void. */
  readonly epoch?: number;
  /** True when there is no row of the job, and whoever makes it may still write one. */
  readonly isUnmade?: boolean;
}

/** Where a run stands. Plain data: it travels through `continueAsNew`. */
export interface JobRun extends JobEngineInput {
  readonly beganAt: number;
  readonly attempt: number;
  /** The epoch of the last message that was put into a lane for the attempt. */
  readonly epoch: number;
  /** How often in a row the store was asked for the attempt and had nothing to say. */
  readonly looks?: number;
  /** Absent until a provider has taken the attempt's work over. */
  readonly provider?: ProviderWatch;
}

/** What the orchestrator does next. */
export type JobStep =
  | { readonly kind: "enqueue"; readonly attempt: number }
  | { readonly kind: "wait"; readonly untilMs: number }
  | { readonly kind: "check"; readonly attempt: number; readonly look: JobLook }
  | { readonly kind: "sleep"; readonly untilMs: number }
  | { readonly kind: "poll"; readonly attempt: number; readonly isLast: boolean }
  | { readonly kind: "release"; readonly attempt: number }
  | { readonly kind: "expire" }
  | { readonly kind: "done" };

/** How the store is to be asked for an attempt. */
export interface JobLook {
  /** True for a job of which nothing was heard yet: its first message may never have been sent. */
  readonly isFirst: boolean;
  /** True when whoever began to make the job has had time enough to store it. */
  readonly isLate: boolean;
}

/** What came of a step. */
export type JobEvent =
  | { readonly kind: "enqueued"; readonly epoch: number }
  | { readonly kind: "signalled"; readonly signal: JobSignal }
  | { readonly kind: "waitedInVain" }
  | { readonly kind: "checked"; readonly signal: JobSignal | undefined }
  | { readonly kind: "slept" }
  | { readonly kind: "polled"; readonly report: PollReport }
  | { readonly kind: "released" }
  /** With a later time where the job as it was stored lives for longer than its run was told. */
  | { readonly kind: "expired"; readonly expiresAt?: number };

// Up to eight times as long as at first.
const MAX_DOUBLINGS = 3;
// What was lost is to be found while there is time left to act on it.
const LARGEST_SHARE_OF_LIFE = 0.25;

/**
 * For how long the engine of a job waits for the job's row, in milliseconds: between its start and the
 * row lies one request to storage.
 */
export const MAKING_MS = 60_000;

// Within what lanes remember of messages (infra/lanes.json), so that what the look sends again is dropped.
const LATEST_FIRST_LOOK_MS = 900_000;
const FIRST_LOOKS_SPREAD = 3;

/**
 * When a job that was just stored is first looked at, in milliseconds from then: spread, since jobs that
 * came at once would all look at once, and take the time from those that come then.
 */
export function firstLookMs(reconcileMs: number, random: Random): number {
  return Math.min(
    Math.round(reconcileMs * (1 + FIRST_LOOKS_SPREAD * random())),
    LATEST_FIRST_LOOK_MS,
  );
}

/** Name of the external event that carries a {@link JobSignal}. */
export const ATTEMPT_ENDED_EVENT = "attemptEnded";

/** A run at its beginning: its job is being stored meanwhile, and sent on its way by whoever stores it. */
export function beginRun(input: JobEngineInput, nowMs: number): { run: JobRun; step: JobStep } {
  const run = { ...input, beganAt: nowMs, ...FIRST_TURN };
  return { run, step: waitStep(run, nowMs) };
}

/**
 * The course of a job as a pure function: where the run stands, what happened, and what time it is
 * by the orchestration's own clock, give the next step.
 */
export function advance(
  run: JobRun,
  event: JobEvent,
  nowMs: number,
): { run: JobRun; step: JobStep } {
  switch (event.kind) {
    case "enqueued":
      return { run: { ...run, epoch: event.epoch }, step: waitStep(run, nowMs) };
    case "signalled":
      return onSignal(run, event.signal, nowMs);
    case "waitedInVain":
      return { run, step: onSilence(run, nowMs) };
    case "checked":
      return event.signal ? onSignal(run, event.signal, nowMs) : onNoWord(run, nowMs);
    case "slept":
      return { run, step: nowMs >= run.expiresAt ? { kind: "expire" } : enqueueStep(run) };
    case "polled":
      return onPoll(run, event.report, nowMs);
    case "expired":
      return onExpiry(run, event.expiresAt, nowMs);
    case "released":
      return { run, step: { kind: "done" } };
  }
}

/** A repetition of a request may store the job that the one before only began, with a later end. */
function onExpiry(
  run: JobRun,
  expiresAt: number | undefined,
  nowMs: number,
): { run: JobRun; step: JobStep } {
  if (expiresAt === undefined) return { run, step: releaseStep(run) };
  const next = { ...run, expiresAt };
  return { run: next, step: waitStep(next, nowMs) };
}

function onSignal(run: JobRun, signal: JobSignal, nowMs: number): { run: JobRun; step: JobStep } {
  if (signal.isFinal) {
    return { run, step: signal.isAbandoned === true ? releaseStep(run) : { kind: "done" } };
  }
  if (signal.isUnmade === true) return { run, step: waitStep(run, nowMs) };
  // A late signal of an attempt that was already repeated says nothing new.
  if (signal.attempt < run.attempt) return { run, step: waitStep(run, nowMs) };
  if (signal.isHandedOver === true) return onHandOver(run, signal, nowMs);
  if (signal.epoch !== undefined) return { run, step: onMove(run, signal, nowMs) };
  const { provider: _, looks: __, ...rest } = run;
  const next = { ...rest, attempt: signal.attempt + 1, epoch: 0 };
  const untilMs = Math.min(nowMs + (signal.retryAfterMs ?? 0), run.expiresAt);
  return { run: next, step: { kind: "sleep", untilMs } };
}

/** Nothing to find means that it still waits in its lane, or runs: the longer so, the rarer the looks. */
function onNoWord(run: JobRun, nowMs: number): { run: JobRun; step: JobStep } {
  const next = { ...run, looks: (run.looks ?? 0) + 1 };
  return { run: next, step: waitStep(next, nowMs) };
}

function onSilence(run: JobRun, nowMs: number): JobStep {
  if (nowMs >= run.expiresAt) return { kind: "expire" };
  const { provider, attempt } = run;
  if (!provider) return checkStep(run, nowMs);
  return { kind: "poll", attempt, isLast: provider.refusals + 1 >= MAX_REFUSALS };
}

/** Told again while the provider is being asked already, it changes nothing. */
function onHandOver(
  run: JobRun,
  { attempt, retryAfterMs }: JobSignal,
  nowMs: number,
): { run: JobRun; step: JobStep } {
  const isKnown = run.provider !== undefined && attempt === run.attempt;
  if (isKnown) return { run, step: waitStep(run, nowMs) };
  const nextPollAt = nowMs + pollDelayMs(0, retryAfterMs);
  const next = { ...run, attempt, provider: { polls: 0, refusals: 0, nextPollAt } };
  return { run: next, step: waitStep(next, nowMs) };
}

function onPoll(run: JobRun, report: PollReport, nowMs: number): { run: JobRun; step: JobStep } {
  if (report.isFinal) {
    // A look may see a cancellation before the signal of it comes, which nobody then waits for.
    return { run, step: report.isAbandoned === true ? releaseStep(run) : { kind: "done" } };
  }
  const polls = (run.provider?.polls ?? 0) + 1;
  const refusals = report.isRefused === true ? (run.provider?.refusals ?? 0) + 1 : 0;
  const nextPollAt = nowMs + pollDelayMs(polls, report.retryAfterMs);
  const next = { ...run, provider: { polls, refusals, nextPollAt } };
  return { run: next, step: waitStep(next, nowMs) };
}

/** A move whose message was sent meanwhile, by a check or before a sleep was over, asks for nothing. */
function onMove(run: JobRun, { attempt, epoch = 0 }: JobSignal, nowMs: number): JobStep {
  // A turn that comes later: the word of how the one before ended was lost.
  if (attempt > run.attempt) return checkStep(run, nowMs);
  return epoch > run.epoch ? enqueueStep(run) : waitStep(run, nowMs);
}

function enqueueStep({ attempt }: JobRun): JobStep {
  return { kind: "enqueue", attempt };
}

function checkStep({ attempt, looks, beganAt }: JobRun, nowMs: number): JobStep {
  const isFirst = attempt === 1 && looks === undefined;
  return { kind: "check", attempt, look: { isFirst, isLate: nowMs - beganAt >= MAKING_MS } };
}

function releaseStep({ attempt }: JobRun): JobStep {
  return { kind: "release", attempt };
}

function waitStep(run: JobRun, nowMs: number): JobStep {
  const { provider, expiresAt } = run;
  const wakeAt = provider ? Math.max(nowMs, provider.nextPollAt) : nowMs + patienceMs(run, nowMs);
  return { kind: "wait", untilMs: Math.min(wakeAt, expiresAt) };
}

/**
 * Thousands of jobs that wait for hours must not keep all else from its turn by looking. An attempt that
 * runs in process has nobody but its orchestrator to notice that its instance died: there it looks on.
 */
function patienceMs(run: JobRun, nowMs: number): number {
  const { reconcileMs, firstLookMs: first, looks, isInFlight, attempt, expiresAt } = run;
  if (isInFlight === true && attempt === 1) return reconcileMs;
  const asLongAsIsSafe = Math.max(reconcileMs, (expiresAt - nowMs) * LARGEST_SHARE_OF_LIFE);
  const isFirst = attempt === 1 && looks === undefined;
  if (isFirst && first !== undefined) return Math.min(first, asLongAsIsSafe);
  return Math.min(reconcileMs * 2 ** Math.min(looks ?? 0, MAX_DOUBLINGS), asLongAsIsSafe);
}

import { setTimeout as pause } from "node:timers/promises";
import { Places } from "./places.ts";
import type { PlannedJob } from "./plan-job.ts";

/** What a client has of its job. */
export interface SentJob {
  readonly plan: PlannedJob;
  /** Each 202 that it saw, as the places it was told; all are to be the same. */
  readonly locations: string[];
  /** Requests that it sent until it was content. */
  sends: number;
  /** Answers that were neither 202 nor worth sending again. */
  readonly refusals: string[];
  /** Why it sent again: statuses, and codes of connections that broke. */
  readonly failures: string[];
}

const RESEND_MS = 1000;
// Twice as long each time, and no two clients alike: thousands that knock every second would be the
// only thing that a stack has to do when it comes back.
const LONGEST_RESEND_MS = 8000;
const JITTER_STEPS = 16;
const MOST_WAITING = 100;
const ANSWER_WITHIN_MS = 20_000;

/**
 * Clients that come at their times. Where the machine is so busy that too many of them still wait for
 * their 202, the next ones come later: else they would be all that the stack has to do.
 */
export function sendJobs(
  url: string,
  plans: readonly PlannedJob[],
  signal: AbortSignal,
): Promise<SentJob[]> {
  const places = new Places(MOST_WAITING);
  return Promise.all(
    plans.map(async (plan) => {
      await pause(plan.at, undefined, { signal }).catch(() => {});
      await places.take();
      try {
        return await sendJob(url, plan, signal);
      } finally {
        places.give();
      }
    }),
  );
}

/** A client that sends its job until it is answered 202, with the same key each time. */
async function sendJob(url: string, plan: PlannedJob, signal: AbortSignal): Promise<SentJob> {
  const sent: SentJob = { plan, locations: [], sends: 0, refusals: [], failures: [] };
  const wanted = plan.losesAnswer ? 2 : 1;
  while (sent.locations.length < wanted && sent.refusals.length === 0 && !signal.aborted) {
    sent.sends += 1;
    if (!(await sendOnce(url, sent, signal))) {
      await pause(resendMs(sent), undefined, { signal }).catch(() => {});
    }
  }
  return sent;
}

function resendMs({ plan, failures }: SentJob): number {
  const longest = Math.min(RESEND_MS * 2 ** failures.length, LONGEST_RESEND_MS);
  return (longest * (1 + (plan.number % JITTER_STEPS) / JITTER_STEPS)) / 2;
}

/** True when the answer is the client's to have. */
async function sendOnce(url: string, sent: SentJob, signal: AbortSignal): Promise<boolean> {
  const { plan } = sent;
  try {
    const response = await fetch(`${url}/answers/${plan.number}`, {
      method: "POST",
      headers: headersOf(plan),
      body: plan.body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    });
    const text = await response.text();
    if (response.status === 202) {
      sent.locations.push(response.headers.get("location") ?? "");
      return true;
    }
    const isWorthSending = response.status >= 500 || response.status === 429;
    if (isWorthSending) sent.failures.push(`${response.status} ${codeIn(text)}`);
    else sent.refusals.push(`${response.status} ${text}`);
    return false;
  } catch (error) {
    // Killed under way: whether it arrived is not known, so it is sent again.
    const { name, cause } = error as { name: string; cause?: { code?: string } };
    sent.failures.push(cause?.code ?? name);
    return false;
  }
}

function headersOf({ key, user, priorityKey }: PlannedJob): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-userid": user,
    "idempotency-key": key,
    S7PAsyncMode: "true",
    ...(priorityKey === undefined ? {} : { S7PPriorityKey: priorityKey }),
  };
}

const codeIn = (problem: string): string => /"code":"([\w-]+)"/.exec(problem)?.[1] ?? "";

import { type JobSnapshot, type JobUsage, stateOf } from "../../jobs/index.ts";
import type { Correction, LimitClaim } from "../../limits/index.ts";
import { readRequestEnvelope } from "../../messaging/index.ts";
import { jobAccountFailed, requestEnded } from "../../telemetry/index.ts";
import { askedFacts } from "./asked-facts.ts";
import type { JobRef } from "./job-transitions.ts";

/**
 * Enters a job's end into the records, and puts what it really used in the place of what its request
 * claimed. A row that is inserted once decides who does it; whoever ended the job may have died before,
 * so that its orchestrator calls this again. Never rejects: the end stands whatever the records say.
 */
export async function accountJob({ services, jobs, jobId }: JobRef): Promise<void> {
  try {
    const snapshot = await jobs.store.read(jobId);
    // The lines of a batch have entries and claims of their own.
    if (!snapshot?.outcome || snapshot.isAccounted || snapshot.job.batch) return;
    if (!(await jobs.store.takeAccount(jobId))) return;
    correctClaim(services, snapshot);
    services.emit(requestEnded(jobId, () => factsOf(snapshot)));
  } catch (error) {
    services.emit(jobAccountFailed(jobId, error));
  }
}

function correctClaim({ limits, clock }: JobRef["services"], snapshot: JobSnapshot): void {
  const { claim } = snapshot.job;
  const by = claim && correctionOf(snapshot, claim);
  if (!by) return;
  // This instance may have claimed nothing so far, and told nobody anything.
  limits.ledger?.start();
  limits.book.correct(claim, by, clock.now());
}

/** By the rules that hold for an answer to a waiting caller; undefined where the estimate stays. */
function correctionOf(
  { outcome, history }: JobSnapshot,
  { tokens: claimed, promptTokens }: LimitClaim,
): Correction | undefined {
  const { state, result, usage } = outcome ?? {};
  const unserved = { requests: -1, tokens: -claimed };
  if (!result) {
    const last = history.at(-1);
    const isCutOff = state !== "failed" && last !== undefined && !last.end;
    if (!isCutOff) return unserved;
    // A job that an older version accepted does not say which part of its claim is the prompt's.
    return { requests: 0, tokens: (promptTokens ?? claimed) - claimed };
  }
  if (result.status >= 500) return unserved;
  const used = usage?.tokens?.totalTokens ?? (result.status >= 400 ? 0 : undefined);
  return used === undefined ? undefined : { requests: 0, tokens: used - claimed };
}

function factsOf(snapshot: JobSnapshot): object {
  const { job, priority, attempts, history, outcome } = snapshot;
  const { id: _, owner, group, createdAt, request } = job;
  const endedAt = outcome?.endedAt ?? createdAt;
  const firstAt = history[0]?.startedAt ?? endedAt;
  const lastAt = history.at(-1)?.startedAt ?? endedAt;
  return {
    kind: "job",
    ...askedFacts(readRequestEnvelope(request)),
    user: owner,
    group,
    priority,
    isAsync: true,
    state: stateOf(snapshot),
    status: outcome?.result?.status,
    code: outcome?.error?.code,
    attempts,
    backend: outcome?.backend,
    waitMs: Math.max(0, firstAt - createdAt),
    processMs: Math.max(0, endedAt - lastAt),
    totalMs: Math.max(0, endedAt - createdAt),
    startedAt: createdAt,
    isWhole: outcome?.result !== undefined,
    ...usageFacts(outcome?.usage),
  };
}

/** What an answer used, as the events of all answers have it. */
export function usageFacts(usage: JobUsage | undefined) {
  return { model: usage?.model, tokens: usage?.tokens, usage: usage?.provenance };
}

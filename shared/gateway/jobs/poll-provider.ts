import { GatewayError } from "../../core/errors.ts";
import { retryAfterMs } from "../../core/retry-after.ts";
import {
  isAbandoned,
  type JobSnapshot,
  judgePoll,
  ownTarget,
  type PollReport,
  type PollVerdict,
  type ProviderWork,
} from "../../jobs/index.ts";
import { providerPollFailed } from "../../telemetry/index.ts";
import type { AnswerUsage } from "../../usage/index.ts";
import { toldOnce } from "../calls/told-once.ts";
import { keepAnswer } from "../results/keep-answer.ts";
import type { OpenAnswer } from "../results/open-answer.ts";
import { type StoredAnswer, storeAnswer } from "../results/stored-answer.ts";
import type { JobServices, Services } from "../services.ts";
import { askProvider, callLimit, hostOf } from "./ask-provider.ts";
import { openTarget } from "./hand-over.ts";
import { commitOutcome, type JobAttemptRun } from "./job-attempt.ts";

/** One look at the work of a job that a provider has taken. */
export interface PollRef {
  readonly jobId: string;
  readonly attempt: number;
  /** True when the provider has refused so often that its next refusal ends the job. */
  readonly isLast: boolean;
}

// Bounds one look: the word itself comes at once, but a result may be large.
const POLL_LIMIT_MS = 240_000;

type PolledRun = Omit<JobAttemptRun, "engine" | "maxAttempts">;
type Ended = Extract<PollVerdict, { kind: "ended" }>;

interface Look {
  readonly run: PolledRun;
  readonly work: ProviderWork;
  readonly snapshot: JobSnapshot;
  readonly isLast: boolean;
  readonly signal: AbortSignal;
  ask(target: string): Promise<StoredAnswer>;
}

/**
 * Asks a provider how a job's work stands, and commits its result when that is there. Idempotent: a look
 * changes nothing at the provider, and the outcome is inserted once. Whatever keeps it from seeing is no
 * end: the work goes on, and is never begun anew.
 */
export async function pollProvider(services: Services, ref: PollRef): Promise<PollReport> {
  const jobs = required(services);
  const { jobId, attempt, isLast } = ref;
  const snapshot = await jobs.store.read(jobId);
  if (!snapshot) return { isFinal: true };
  const { job, provider: work, outcome } = snapshot;
  if (outcome) return { isFinal: true, ...(isAbandoned(outcome) ? { isAbandoned: true } : {}) };
  if (work?.attempt !== attempt) return { isFinal: false, isRefused: true };
  const host = hostOf(services, work.hostKey);
  // Settings are rolled out one instance after the other: it may be known again at the next look.
  if (!host) return { isFinal: false };
  using limit = callLimit(services, POLL_LIMIT_MS);
  const { signal } = limit;
  const run = { services, jobs, jobId, attempt };
  const ask = async (target: string): Promise<StoredAnswer> => {
    const call = { job, work, method: "GET", target, signal } as const;
    const answer = await askProvider(services, host, call);
    return storeAnswer({ ...answer, backend: host.id }, signal);
  };
  try {
    return await look({ run, work, snapshot, isLast, signal, ask }, host.origin);
  } catch (error) {
    // Thrown on, it would be repeated at once and hold up the job's expiry.
    services.emit(providerPollFailed(jobId, error));
    return { isFinal: false };
  }
}

async function look(look: Look, origin: string): Promise<PollReport> {
  const { run, work, isLast, ask } = look;
  const { services, jobId } = run;
  const target = openTarget(services, jobId, work.poll);
  const said = await ask(target);
  const verdict = judgePoll(work.kind, { status: said.answer.status, fields: said.fields });
  if (verdict.kind !== "ended") return notYet(look, said, verdict);
  const resultTarget =
    verdict.state === "succeeded"
      ? (ownTarget(verdict.resultUrl, { origin, target }) ??
        (work.result && openTarget(services, jobId, work.result)))
      : undefined;
  if (resultTarget === undefined) return commit(look, said.answer, verdict);
  said.answer.discard();
  const result = await ask(resultTarget);
  const { status } = result.answer;
  if (status >= 200 && status <= 299) return commit(look, result.answer, verdict);
  const fetched = judgePoll("location", { status, fields: {} });
  if (fetched.kind === "refused" && isLast) {
    return commit(look, result.answer, { kind: "ended", state: "failed" });
  }
  return notYet(look, result, fetched);
}

/** A refusal that lasts is the provider's last word, which the caller may read. */
async function notYet(
  look: Look,
  { answer }: StoredAnswer,
  { kind }: PollVerdict,
): Promise<PollReport> {
  if (kind === "refused" && look.isLast) {
    return commit(look, answer, { kind: "ended", state: "failed" });
  }
  answer.discard();
  const askedMs = retryAfterMs(answer.headers, look.run.services.clock.now());
  const wait = askedMs === undefined ? {} : { retryAfterMs: askedMs };
  return { isFinal: false, ...(kind === "refused" ? { isRefused: true } : {}), ...wait };
}

async function commit(look: Look, answer: OpenAnswer, { state }: Ended): Promise<PollReport> {
  const { run, signal } = look;
  const { services, attempt } = run;
  const { kept, used } = await keepAnswer(run, answer, signal);
  noteUse(look, used, answer);
  await commitOutcome(run, { state, endedAt: services.clock.now(), attempt, ...kept });
  return { isFinal: true };
}

/**
 * Before it is committed, and by a name of its own: a look that is repeated after a crash counts once, and
 * so does a response that clients look at, too.
 */
function noteUse(
  { run, work, snapshot }: Look,
  usage: AnswerUsage,
  { status, backend = "" }: OpenAnswer,
): void {
  if (!usage.tokens) return;
  const { services, jobId, attempt } = run;
  const { job, priority } = snapshot;
  const caller = { userId: job.owner, groupId: job.group };
  const facts = {
    id: `provider-${jobId}-${attempt}`,
    endedAt: work.takenAt,
    ...toldOnce(usage),
    kind: "answer",
    requestId: jobId,
    caller,
    priority,
    backend,
    status,
  } as const;
  services.usage.journal.note(facts, usage);
}

function required({ jobs }: Services): JobServices {
  if (!jobs) throw new GatewayError("internal", "Jobs need storage.");
  return jobs;
}

import * as df from "durable-functions";
import {
  ATTEMPT_ENDED_EVENT,
  advance,
  beginRun,
  type JobEngineInput,
  type JobEvent,
  type JobRun,
  type JobSignal,
  type JobStep,
  type PollReport,
  settleDelayMs,
} from "../shared/jobs/index.ts";

/** Names under which the orchestrator and its activities are registered. */
export const JOB_ORCHESTRATOR = "job";
export const JOB_ACTIVITIES = {
  enqueue: "enqueueAttempt",
  check: "checkAttempt",
  expire: "expireJob",
  poll: "pollProvider",
  release: "releaseProvider",
  settle: "settleEvents",
} as const;

// A history is replayed at every episode, so a long job starts a new one now and then.
const MAX_STEPS_PER_EXECUTION = 100;

/** An activity fails while storage or Service Bus is away: keep trying for as long as a job may live. */
export const retryForever = (): df.RetryOptions => {
  const options = new df.RetryOptions(1000, 10_000);
  options.backoffCoefficient = 2;
  options.maxRetryIntervalInMilliseconds = 30_000;
  return options;
};

// A provider that cannot be told for so long goes on: what it does is lost, not the job.
const MAX_RELEASES = 5;
const RELEASE_AGAIN_MS = 5000;

type Perform = Generator<df.Task, JobEvent, unknown>;

/** Owns a job's course: it holds no bytes and decides nothing that `advance` does not decide. */
export function registerJobOrchestrator(): void {
  df.app.orchestration(JOB_ORCHESTRATOR, function* job(context) {
    const input = context.df.getInput() as JobEngineInput | JobRun;
    let { run, step } =
      "attempt" in input
        ? { run: input, step: (input as JobRun & { step: JobStep }).step }
        : beginRun(input, context.df.currentUtcDateTime.getTime());
    const inbox: SignalInbox = { open: undefined };
    for (let steps = 0; step.kind !== "done"; steps++) {
      if (steps === MAX_STEPS_PER_EXECUTION) {
        context.df.continueAsNew({ ...run, step });
        return;
      }
      const event: JobEvent = yield* perform({ context, run, inbox }, step);
      ({ run, step } = advance(run, event, context.df.currentUtcDateTime.getTime()));
    }
    yield* settleEvents(context, run.jobId);
  });
}

/** Sees to it that the job's end is told, though whoever committed it has died before it could. */
export function* settleEvents(
  context: df.OrchestrationContext,
  jobId: string,
): Generator<df.Task, void> {
  for (let looks = 1; ; looks++) {
    const delayMs = settleDelayMs(looks);
    const ref = { jobId, isLast: delayMs === undefined };
    const isSettled: unknown = yield context.df.callActivityWithRetry(
      JOB_ACTIVITIES.settle,
      retryForever(),
      ref,
    );
    if (isSettled === true || delayMs === undefined) return;
    const now = context.df.currentUtcDateTime.getTime();
    yield context.df.createTimer(new Date(now + delayMs));
  }
}

/**
 * The wait for the next signal. It stays open while other steps run: a signal that came meanwhile
 * would go to a wait that nobody looks at any more, and be lost.
 */
interface SignalInbox {
  open: df.Task | undefined;
}

interface Performing {
  readonly context: df.OrchestrationContext;
  readonly run: JobRun;
  readonly inbox: SignalInbox;
}

function* perform(performing: Performing, step: JobStep): Perform {
  const { context, run } = performing;
  const { jobId, attempt, epoch, trace } = run;
  const ref = { jobId, attempt, epoch, ...(trace ? { trace } : {}) };
  switch (step.kind) {
    case "enqueue": {
      const sent = yield context.df.callActivityWithRetry(
        JOB_ACTIVITIES.enqueue,
        retryForever(),
        ref,
      );
      return { kind: "enqueued", epoch: (sent as number | null) ?? epoch };
    }
    case "wait":
      return yield* waitForSignal(performing, step.untilMs);
    case "check": {
      const signal = yield context.df.callActivityWithRetry(JOB_ACTIVITIES.check, retryForever(), {
        ...ref,
        look: step.look,
      });
      return { kind: "checked", signal: (signal as JobSignal | null) ?? undefined };
    }
    case "sleep":
      yield context.df.createTimer(new Date(step.untilMs));
      return { kind: "slept" };
    case "poll": {
      const look = { jobId, attempt, isLast: step.isLast };
      const report = yield context.df.callActivityWithRetry(
        JOB_ACTIVITIES.poll,
        retryForever(),
        look,
      );
      return { kind: "polled", report: report as PollReport };
    }
    case "release":
      return yield* releaseWork(performing);
    case "expire": {
      const { expiresAt } = run;
      const later = yield context.df.callActivityWithRetry(JOB_ACTIVITIES.expire, retryForever(), {
        ...ref,
        expiresAt,
      });
      return { kind: "expired", ...(typeof later === "number" ? { expiresAt: later } : {}) };
    }
    case "done":
      throw new Error("A run that is done has no next step.");
  }
}

/** Passes the end of a job on to the provider that goes on with its work, if there is one. */
function* releaseWork({ context, run }: Performing): Perform {
  const { jobId, attempt, epoch } = run;
  for (let tries = 1; tries <= MAX_RELEASES; tries++) {
    const isReleased: unknown = yield context.df.callActivityWithRetry(
      JOB_ACTIVITIES.release,
      retryForever(),
      { jobId, attempt, epoch },
    );
    if (isReleased === true) break;
    const now = context.df.currentUtcDateTime.getTime();
    yield context.df.createTimer(new Date(now + RELEASE_AGAIN_MS * tries));
  }
  return { kind: "released" };
}

function* waitForSignal({ context, inbox }: Performing, untilMs: number): Perform {
  // The timer is new for each wait: a task that takes an id may be part of one Task.any only. The
  // wait for an event takes none, so it may go from one Task.any to the next.
  const timer = context.df.createTimer(new Date(untilMs));
  const signalled = inbox.open ?? context.df.waitForExternalEvent(ATTEMPT_ENDED_EVENT);
  inbox.open = signalled;
  const winner = yield context.df.Task.any([signalled, timer]);
  if (winner !== signalled) return { kind: "waitedInVain" };
  inbox.open = undefined;
  timer.cancel();
  return { kind: "signalled", signal: signalled.result as JobSignal };
}

import type { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import { GatewayError } from "../shared/core/errors.ts";
import {
  ATTEMPT_ENDED_EVENT,
  type BatchEngineInput,
  type JobArchive,
  type JobEngine,
  type JobEngineInput,
} from "../shared/jobs/index.ts";
import { BATCH_ORCHESTRATOR } from "./batch.orchestrator.ts";
import { JOB_ORCHESTRATOR } from "./job.orchestrator.ts";

const START_RETRY_AFTER_MS = 2000;
const CONFLICT = 409;

/** Durable Functions as the owner of jobs; needs a durable client input on the invocation. */
export function createJobEngine(context: InvocationContext): JobEngine {
  // The client is made only when a job asks for it: most requests never do.
  return {
    async start(jobId, input) {
      try {
        await df.getClient(context).startNew(nameFor(input), { instanceId: jobId, input });
        return true;
      } catch (cause) {
        if (isRunning(cause)) return false;
        const options = { cause, retryAfterMs: START_RETRY_AFTER_MS };
        throw new GatewayError(
          "storage-unavailable",
          "The job's engine did not start it.",
          options,
        );
      }
    },
    signal: (jobId, signal) => df.getClient(context).raiseEvent(jobId, ATTEMPT_ENDED_EVENT, signal),
  };
}

const nameFor = (input: JobEngineInput | BatchEngineInput): string =>
  "kind" in input ? BATCH_ORCHESTRATOR : JOB_ORCHESTRATOR;

const ENDED = [
  df.OrchestrationRuntimeStatus.Completed,
  df.OrchestrationRuntimeStatus.Failed,
  df.OrchestrationRuntimeStatus.Terminated,
];

/** The instances of ended jobs; needs a durable client input on the invocation. */
export function createJobArchive(context: InvocationContext): JobArchive {
  return {
    async endedBefore(epochMs) {
      const filter = { createdTimeTo: new Date(epochMs), runtimeStatus: ENDED };
      const instances = await df.getClient(context).getStatusBy(filter);
      return instances
        .filter(({ name, lastUpdatedTime }) => {
          const isJob = name === JOB_ORCHESTRATOR || name === BATCH_ORCHESTRATOR;
          return isJob && new Date(lastUpdatedTime).getTime() < epochMs;
        })
        .map(({ instanceId }) => instanceId);
    },
    async purge(jobId) {
      await df.getClient(context).purgeInstanceHistory(jobId);
    },
  };
}

/** Durable refuses to start what runs already: an earlier try, whose answer was lost, has started it. */
function isRunning(error: unknown): boolean {
  const { response } = Object(error) as { response?: { status?: unknown } };
  return response?.status === CONFLICT || (error instanceof Error && /\b409\b/.test(error.message));
}

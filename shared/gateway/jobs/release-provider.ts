import { type BackendAnswer, BackendFailure } from "../../backends/index.ts";
import { below, isAbandoned, type JobRecord, type ProviderWork } from "../../jobs/index.ts";
import { providerReleaseFailed } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { askProvider, callLimit, hostOf } from "./ask-provider.ts";
import { openTarget } from "./hand-over.ts";

const RELEASE_LIMIT_MS = 10_000;

/**
 * Tells a provider that nobody waits any more for the work it took: a job that was cancelled or has
 * expired must not go on costing. True when the provider has heard of it, or cannot; throws nothing.
 */
export async function releaseProvider(services: Services, jobId: string): Promise<boolean> {
  const snapshot = await services.jobs?.store.read(jobId);
  const { provider, outcome, job } = snapshot ?? {};
  if (!job || !provider || !outcome || !isAbandoned(outcome)) return true;
  return cancelWork(services, job, provider);
}

/** Asks the backend that took the work to stop it, once. */
export async function cancelWork(
  services: Services,
  job: JobRecord,
  work: ProviderWork,
): Promise<boolean> {
  const host = hostOf(services, work.hostKey);
  if (!host) return true;
  using limit = callLimit(services, RELEASE_LIMIT_MS);
  const { signal } = limit;
  const target = openTarget(services, job.id, work.poll);
  const call =
    work.kind === "response"
      ? ({ method: "POST", target: below(target, "/cancel") } as const)
      : ({ method: "DELETE", target } as const);
  try {
    const answer: BackendAnswer = await askProvider(services, host, { job, work, signal, ...call });
    answer.discard();
    // 404, 405 and 409: there is nothing to stop, or no way to.
    return answer.status < 500 && answer.status !== 429 && answer.status !== 408;
  } catch (error) {
    if (error instanceof BackendFailure || signal.aborted) {
      services.emit(providerReleaseFailed(job.id, error));
      return false;
    }
    throw error;
  }
}

import { type HeaderList, headerValue } from "../../core/headers.ts";
import { retryAfterMs } from "../../core/retry-after.ts";
import { openRequest, sealRequest } from "../../identity/index.ts";
import { findProviderWork, type ProviderWork, type StoredTarget } from "../../jobs/index.ts";
import type { OpenAnswer } from "../results/open-answer.ts";
import { storeAnswer } from "../results/stored-answer.ts";
import type { Services } from "../services.ts";
import type { JobAttemptRun } from "./job-attempt.ts";

/** What an answer to a job's request is: a result, or word that the provider goes on with the work. */
export type SightedAnswer = { readonly work: ProviderWork } | { readonly answer: OpenAnswer };

/** Looks whether a provider has taken the work over. An answer that is a result can still be read. */
export async function sightAnswer(
  run: Pick<JobAttemptRun, "services" | "jobId" | "attempt">,
  answer: OpenAnswer,
  signal: AbortSignal,
): Promise<SightedAnswer> {
  const { called } = answer;
  if (!called || !mayBeWork(answer)) return { answer };
  const stored = await storeAnswer(answer, signal);
  const { status, headers } = answer;
  const taken = findProviderWork({ status, headers, fields: stored.fields }, called);
  if (!taken) return { answer: stored.answer };
  stored.answer.discard();
  const takenAt = run.services.clock.now();
  const askedMs = retryAfterMs(headers, takenAt);
  const seal = (target: string): StoredTarget => sealTarget(run.services, run.jobId, target);
  return {
    work: {
      attempt: run.attempt,
      kind: taken.kind,
      hostKey: called.hostKey,
      poll: seal(taken.target),
      ...(taken.resultTarget === undefined ? {} : { result: seal(taken.resultTarget) }),
      takenAt,
      ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }),
    },
  };
}

const LOCATIONS = ["location", "operation-location", "azure-asyncoperation"];

/** By its head alone, so that only what may be work is read before it is kept. */
function mayBeWork({ status, headers }: OpenAnswer): boolean {
  if (status !== 200 && status !== 201 && status !== 202) return false;
  return hasLocation(headers) || /\bjson\b/i.test(headerValue(headers, "content-type") ?? "");
}

const hasLocation = (headers: HeaderList): boolean =>
  headers.some(([name]) => LOCATIONS.includes(name.toLowerCase()));

/** A target as a row may hold it. */
function sealTarget(
  { settings }: Pick<Services, "settings">,
  jobId: string,
  target: string,
): StoredTarget {
  const { sealed, target: open } = sealRequest(
    { target, headers: [] },
    settings.credentialKey,
    jobId,
  );
  return { target: open, ...(sealed === undefined ? {} : { sealed }) };
}

/** The target that {@link sealTarget} was given. */
export function openTarget(
  { settings }: Pick<Services, "settings">,
  jobId: string,
  stored: StoredTarget,
): string {
  return openRequest({ ...stored, headers: [] }, settings.credentialKey, jobId).target;
}

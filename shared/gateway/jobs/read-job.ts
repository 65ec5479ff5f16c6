import { GatewayError } from "../../core/errors.ts";
import { type HeaderList, withoutHeaders } from "../../core/headers.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import type { JobResult, JobSnapshot } from "../../jobs/index.ts";
import { type Recognised, recognise } from "../entry/recognise.ts";
import { responseHeaders } from "../forwarded-headers.ts";
import type { JobServices, Services } from "../services.ts";
import { jobView } from "./job-view.ts";

const POLL_SECONDS = 2;

/** What is asked of a job. */
export interface JobQuery {
  readonly id: string;
  readonly headers: HeaderList;
  readonly target: string;
}

/** A job's state, from rows and never from the engine: 202 while it runs, 200 when it has ended. */
export async function readJob(services: Services, query: JobQuery): Promise<GatewayResponse> {
  const { snapshot } = await findOwn(services, query);
  const view = await jobView(services, snapshot);
  return snapshot.outcome
    ? jsonResponse(200, view)
    : jsonResponse(202, view, [["retry-after", String(POLL_SECONDS)]]);
}

/** The backend's answer as it came: status, headers and exact bytes. */
export async function readJobResult(services: Services, query: JobQuery): Promise<GatewayResponse> {
  const { snapshot, jobs } = await findOwn(services, query);
  const { outcome } = snapshot;
  if (!outcome) {
    throw new GatewayError("job-not-finished", "The job has not finished yet.", {
      retryAfterMs: POLL_SECONDS * 1000,
    });
  }
  if (snapshot.job.batch && !outcome.result) return openResult(jobs, batchFile(snapshot, "output"));
  if (!outcome.result) {
    throw new GatewayError("job-without-result", `The job is ${outcome.state}, and has no result.`);
  }
  return openResult(jobs, outcome.result);
}

/** The lines of a batch that failed, or that were not done when it ended. */
export async function readBatchErrors(
  services: Services,
  query: JobQuery,
): Promise<GatewayResponse> {
  const { snapshot, jobs } = await findOwn(services, query);
  if (!snapshot.job.batch) throw new GatewayError("job-without-result", "The job is no batch.");
  return openResult(jobs, batchFile(snapshot, "errors"));
}

/** The file of a batch that has been put together. */
function batchFile({ files }: Pick<JobSnapshot, "files">, name: "output" | "errors"): JobResult {
  if (files) return files[name];
  throw new GatewayError("job-not-finished", "The batch's files are not made yet.", {
    retryAfterMs: 1000,
  });
}

async function openResult({ files }: JobServices, result: JobResult): Promise<GatewayResponse> {
  const { status, sizeBytes } = result;
  const headers = resultHeaders(result);
  // Not opened when empty: a 204 has no body to send, and an unread download would hold its connection.
  if (sizeBytes === 0) return { status, headers, body: undefined };
  const content = await files.open(result);
  if (!content) throw new GatewayError("job-without-result", "The job's result is gone.");
  return { status, headers, body: content.body };
}

/** The backend's headers, with the length of what is kept: an answer to HEAD speaks of bytes it never sent. */
function resultHeaders({ status, headers, sizeBytes }: JobResult): HeaderList {
  const kept = withoutHeaders(responseHeaders(headers, []), (name) => name === "content-length");
  const hasLength = status !== 204 && status !== 304;
  return hasLength ? [...kept, ["content-length", String(sizeBytes)]] : kept;
}

/** A job for somebody who may see it. */
export interface FoundJob {
  readonly snapshot: JobSnapshot;
  readonly jobs: JobServices;
  /** Its owner; absent where an operator asks. */
  readonly asker: Recognised | undefined;
}

/** The caller's own job, or any for an operator: others' are as unknown as those that never were. */
export async function findOwn(
  services: Services,
  { id, headers, target }: JobQuery,
): Promise<FoundJob> {
  const { jobs } = services;
  if (!jobs) throw new GatewayError("async-unavailable", "This app serves no jobs.");
  // Before the job is looked for: who may not ask learns nothing of which jobs there are.
  const asker = await askerOf(services, { headers, target });
  const snapshot = await jobs.store.read(id);
  if (!snapshot || !mayRead(asker, snapshot.job.owner)) {
    throw new GatewayError("job-not-found", "There is no such job.");
  }
  return { snapshot, jobs, asker };
}

/** Undefined for operators, by key or by role. */
async function askerOf(
  services: Services,
  asked: Pick<JobQuery, "headers" | "target">,
): Promise<Recognised | undefined> {
  if (services.operators(asked.headers) === "operator") return undefined;
  const recognised = await recognise(services, asked);
  return recognised.verified?.isOperator === true ? undefined : recognised;
}

const mayRead = (asker: Recognised | undefined, owner: string): boolean =>
  asker === undefined || asker.caller.userId === owner;

import type { AcceptedJob } from "../../api/index.ts";
import { type GatewayResponse, jsonResponse } from "../../core/http.ts";
import type { JobRecord, JobState } from "../../jobs/index.ts";
import { resultLinks } from "../results/result-links.ts";
import type { Services } from "../services.ts";
import { jobLinks, linksOfKind } from "./job-view.ts";

const FIRST_POLL_SECONDS = 1;
const MESSAGE =
  "Your request has been accepted for async processing. The final result will be available at the " +
  "blob URIs. Use OAuth for authentication.";

/** What is told of a request that became a job. */
export interface Accepted {
  readonly job: Pick<JobRecord, "id" | "owner" | "results" | "batch">;
  readonly state: JobState;
  /** The preferences of the request that were honoured (RFC 7240, section 3). */
  readonly preferenceApplied: string | undefined;
}

/** The 202 of a job: the original's document and headers, and where the job is found. */
export async function acceptedAnswer(
  services: Pick<Services, "clock" | "jobs" | "emit">,
  { job, state, preferenceApplied }: Accepted,
): Promise<GatewayResponse> {
  const { id, owner } = job;
  const own = jobLinks(id);
  const links = { ...own, ...linksOfKind(job), ...(await resultLinks(services, job)) };
  // Callers without a container of their own find the same through the gateway.
  const { dataBlobUri = own.result, headerBlobUri = own.self } = links;
  const document: AcceptedJob = {
    Message: MESSAGE,
    UserId: owner,
    MID: id,
    Guid: id,
    Status: 202,
    Timestamp: new Date(services.clock.now()).toISOString(),
    DataBlobUri: dataBlobUri,
    HeaderBlobUri: headerBlobUri,
    id,
    state,
    links,
  };
  const response = jsonResponse(202, document, [
    ["location", links.self],
    ["retry-after", String(FIRST_POLL_SECONDS)],
    ["x-Data-Blob-URI", dataBlobUri],
    ["x-Header-Blob-URI", headerBlobUri],
    ...(preferenceApplied === undefined
      ? []
      : [["preference-applied", preferenceApplied] as const]),
  ]);
  return { ...response, jobId: id };
}

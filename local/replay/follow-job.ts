import * as z from "zod";
import { delay } from "../../shared/core/clock.ts";
import { parsedJson } from "../../shared/core/parsed-json.ts";
import { retryAfterMs } from "../../shared/core/retry-after.ts";
import { type Answer, completionTokens, statedWait, type Wait } from "./answer.ts";
import type { Gateway } from "./gateway.ts";
import type { PlannedRequest } from "./plan-request.ts";
import { ReplayFailure } from "./replay-failure.ts";

/** A job that the gateway has accepted, and whose it is. */
export interface AcceptedJob {
  readonly accepted: Response;
  readonly request: PlannedRequest;
  readonly signal: AbortSignal;
}

const ACCEPTED = 202;
const OK = 200;
const DEFAULT_POLL_MS = 1000;
// A gateway that asks for no wait at all is not to be polled without pause.
const MIN_POLL_MS = 50;

const viewSchema = z.object({
  state: z.string(),
  createdAt: z.iso.datetime().optional(),
  startedAt: z.iso.datetime().optional(),
  error: z.object({ code: z.string(), detail: z.string() }).optional(),
});
type JobView = z.infer<typeof viewSchema>;

/** Polls a job at the pace that the gateway asks for until it has ended, then fetches its result. */
export async function followJob(gateway: Gateway, job: AcceptedJob): Promise<Answer> {
  const location = job.accepted.headers.get("location");
  if (!location) throw new ReplayFailure("202 without Location", "The 202 names no job.");
  const jobUrl = new URL(location, gateway.url);
  const view = await pollToEnd(gateway, job, jobUrl);
  if (view.state !== "succeeded") {
    const { code = "no code", detail = "no detail" } = view.error ?? {};
    throw new ReplayFailure(`job ${view.state} ${code}`, `${jobUrl.pathname}: ${detail}`);
  }
  const resultUrl = new URL(jobUrl);
  resultUrl.pathname += "/result";
  const result = await get(gateway, job, resultUrl);
  const firstTokenAt = gateway.clock.now();
  const outputTokens = completionTokens(await result.text());
  return { firstTokenAt, outputTokens, wait: statedWait(result.headers) ?? startWait(view) };
}

async function pollToEnd(gateway: Gateway, job: AcceptedJob, jobUrl: URL): Promise<JobView> {
  let waitMs = askedWaitMs(gateway, job.accepted);
  for (;;) {
    await delay(gateway.clock, waitMs, job.signal);
    const response = await get(gateway, job, jobUrl);
    const text = await response.text();
    const view = viewSchema.safeParse(parsedJson(text));
    if (!view.success || (response.status !== OK && response.status !== ACCEPTED)) {
      throw new ReplayFailure("no job", `${jobUrl.pathname}, status ${response.status}: ${text}`);
    }
    if (response.status === OK) return view.data;
    waitMs = askedWaitMs(gateway, response);
  }
}

function get({ client }: Gateway, { request, signal }: AcceptedJob, url: URL): Promise<Response> {
  const options = { headers: { "X-UserID": request.userId }, signal };
  return client.get(url.href, options).asResponse();
}

// The job's deadline, not this, bounds a wait that the gateway asks for.
const askedWaitMs = ({ clock }: Gateway, { headers }: Response): number =>
  Math.max(MIN_POLL_MS, retryAfterMs([...headers], clock.now()) ?? DEFAULT_POLL_MS);

function startWait({ createdAt, startedAt }: JobView): Wait | undefined {
  if (!createdAt || !startedAt) return undefined;
  return { source: "job start", ms: Math.max(0, Date.parse(startedAt) - Date.parse(createdAt)) };
}

import { type Answer, completionTokens, statedWait } from "./answer.ts";
import { followJob } from "./follow-job.ts";
import { chatParams, type Gateway, requestHeaders } from "./gateway.ts";
import type { PlannedRequest } from "./plan-request.ts";
import { ReplayFailure } from "./replay-failure.ts";

const OK = 200;
const ACCEPTED = 202;

/**
 * Asks for one answer, and follows the job where the gateway makes one: at once for a request that
 * wants it, or when it takes a waiting request over.
 */
export async function sendPlain(
  gateway: Gateway,
  request: PlannedRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { client, clock } = gateway;
  const sentAt = clock.now();
  const options = { headers: requestHeaders(gateway, request), signal };
  const response = await client.chat.completions
    .create(chatParams(gateway, request), options)
    .asResponse();
  const firstByteAt = clock.now();
  const text = await response.text();
  if (response.status === ACCEPTED) {
    const answer = await followJob(gateway, { accepted: response, request, signal });
    return { ...answer, isPromoted: request.mode !== "async" };
  }
  if (response.status !== OK || request.mode === "async") {
    const expected = request.mode === "async" ? ACCEPTED : OK;
    throw new ReplayFailure(
      `${response.status} instead of ${expected}`,
      `The gateway answered ${response.status}: ${text}`,
    );
  }
  return {
    firstTokenAt: firstByteAt,
    outputTokens: completionTokens(text),
    wait: statedWait(response.headers) ?? { source: "first byte", ms: firstByteAt - sentAt },
  };
}

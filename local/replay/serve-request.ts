import { createDeadline } from "../../shared/core/deadline.ts";
import type { Answer } from "./answer.ts";
import { type Gateway, REQUEST_TIMEOUT_MS } from "./gateway.ts";
import type { PlannedRequest } from "./plan-request.ts";
import { describeFailure, type FailureFacts, ReplayFailure } from "./replay-failure.ts";
import { sendPlain } from "./send-plain.ts";
import { sendStream } from "./send-stream.ts";

/** How a request ended. `interrupted` says that the replay was stopped before its answer came. */
export type Outcome =
  | {
      readonly kind: "answered";
      readonly answer: Answer;
      readonly sentAt: number;
      readonly endedAt: number;
    }
  | { readonly kind: "failed"; readonly failure: FailureFacts }
  | { readonly kind: "interrupted" };

const timedOut = (): Error =>
  new ReplayFailure("timeout", `Not answered in ${REQUEST_TIMEOUT_MS / 60_000} minutes.`);

/** Sends one request and sees it through, whatever becomes of it. Never throws. */
export async function serveRequest(
  gateway: Gateway,
  request: PlannedRequest,
  stop: AbortSignal,
): Promise<Outcome> {
  const { clock } = gateway;
  const sentAt = clock.now();
  using deadline = createDeadline(clock, sentAt + REQUEST_TIMEOUT_MS, {
    reason: timedOut,
    parent: stop,
  });
  const { signal } = deadline;
  try {
    const send = request.mode === "stream" ? sendStream : sendPlain;
    const answer = await send(gateway, request, signal);
    return { kind: "answered", answer, sentAt, endedAt: clock.now() };
  } catch (thrown) {
    if (stop.aborted) return { kind: "interrupted" };
    // What an aborted call throws tells less than why it was aborted.
    const failure = describeFailure(signal.aborted ? signal.reason : thrown);
    return { kind: "failed", failure };
  }
}

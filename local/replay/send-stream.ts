import { type Answer, statedWait } from "./answer.ts";
import { chatParams, type Gateway, requestHeaders } from "./gateway.ts";
import type { PlannedRequest } from "./plan-request.ts";
import { ReplayFailure } from "./replay-failure.ts";

/** Asks for a stream and takes its chunks as they come. A stream without its proper end is a failure. */
export async function sendStream(
  gateway: Gateway,
  request: PlannedRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const { client, clock } = gateway;
  const sentAt = clock.now();
  const params = {
    ...chatParams(gateway, request),
    stream: true,
    stream_options: { include_usage: true },
  } as const;
  const options = { headers: requestHeaders(gateway, request), signal };
  const { data: stream, response } = await client.chat.completions
    .create(params, options)
    .withResponse();
  const firstByteAt = clock.now();
  let firstTokenAt: number | undefined;
  let tokens = 0;
  let isFinished = false;
  for await (const { choices, usage } of stream) {
    const choice = choices[0];
    if (choice?.delta.content) {
      firstTokenAt ??= clock.now();
      tokens += 1;
    }
    if (choice?.finish_reason) isFinished = true;
    // A chunk is about a token; the usage chunk at the end knows better.
    if (usage) tokens = usage.completion_tokens;
  }
  // The client ends an aborted stream without a word.
  signal.throwIfAborted();
  if (!isFinished) {
    throw new ReplayFailure("stream cut short", `The stream ended after ${tokens} tokens.`);
  }
  return {
    firstTokenAt: firstTokenAt ?? clock.now(),
    outputTokens: tokens,
    wait: statedWait(response.headers) ?? { source: "first byte", ms: firstByteAt - sentAt },
  };
}

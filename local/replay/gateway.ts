import OpenAI from "openai";
import type { Clock } from "../../shared/core/clock.ts";
import { StartError } from "../service.ts";
import type { HttpFetch } from "./http-fetch.ts";
import { type PlannedRequest, PRIORITY_KEYS } from "./plan-request.ts";
import { promptOf } from "./prompt.ts";
import { describeFailure } from "./replay-failure.ts";

/** The gateway under replay, as its clients see it. */
export interface Gateway {
  readonly url: string;
  readonly model: string;
  /** How many times faster than the trace; simulated endpoints answer as much faster. */
  readonly speed: number;
  readonly client: OpenAI;
  readonly clock: Clock;
}

/** How long a request, its job included, may take altogether. */
export const REQUEST_TIMEOUT_MS = 600_000;
const REACH_TIMEOUT_MS = 10_000;

/** Connects the official client; it repeats nothing by itself, so that every failure is seen. */
export function connectGateway(
  { url, model, speed = 1 }: { url: string; model: string; speed?: number },
  { clock, http }: { clock: Clock; http: HttpFetch },
): Gateway {
  const client = new OpenAI({
    baseURL: new URL("v1", `${url}/`).href,
    apiKey: "replay",
    maxRetries: 0,
    timeout: REQUEST_TIMEOUT_MS,
    fetch: http.fetch,
  });
  return { url, model, speed, client, clock };
}

/** Fails with what to start when nothing answers. Any HTTP answer will do: a probe is not the test. */
export async function checkReachable(url: string, http: HttpFetch): Promise<void> {
  const signal = AbortSignal.timeout(REACH_TIMEOUT_MS);
  try {
    const response = await http.fetch(new URL("health", `${url}/`), { signal });
    await response.body?.cancel();
  } catch (cause) {
    const reason = signal.aborted ? "no answer in 10 s" : describeFailure(cause).message;
    throw new StartError(
      `No gateway answers at ${url} (${reason}). Start one with "npm start", or name another with --url.`,
      { cause },
    );
  }
}

/** The chat completion that a planned request asks for. */
export function chatParams({ model }: Gateway, request: PlannedRequest) {
  const prompt = `Request ${request.number}. ${promptOf(request.contextTokens)}`;
  return {
    model,
    messages: [{ role: "user" as const, content: prompt }],
    max_tokens: outputTokens(request),
  };
}

/** The headers of a request: whom it is for, how urgent it is, and the length simulated endpoints answer with. */
export function requestHeaders(
  { speed }: Gateway,
  request: PlannedRequest,
): Record<string, string> {
  const key = PRIORITY_KEYS[request.priorityClass];
  return {
    "X-UserID": request.userId,
    ...(key === undefined ? {} : { S7PPriorityKey: key }),
    ...(request.mode === "async" ? { S7PAsyncMode: "true" } : {}),
    "x-sim-output-tokens": String(outputTokens(request)),
    "x-sim-speed": String(speed),
  };
}

// No API takes a limit of zero tokens.
const outputTokens = ({ generatedTokens }: PlannedRequest): number => Math.max(1, generatedTokens);

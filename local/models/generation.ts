import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, delay } from "../../shared/core/clock.ts";
import type { Fields } from "../../shared/core/fields.ts";
import { requestedEncoding } from "./answer-encoding.ts";
import { type AnswerPlan, planAnswer } from "./answer-plan.ts";
import { badRequest } from "./api-error.ts";
import type { Call } from "./call-log.ts";
import type { Capacity } from "./capacity.ts";
import type { Fault } from "./fault-script.ts";
import { withFault } from "./faulty-frames.ts";
import type { Frames } from "./frame.ts";
import { promptText } from "./prompt-text.ts";
import type { ResponseStore } from "./response-store.ts";
import { digest, type SeededRandom } from "./seeded-random.ts";
import { type SendOptions, sendFrames } from "./send-frames.ts";
import { sendFaultyJson } from "./send-json.ts";
import type { ModelSettings } from "./settings.ts";

/** What one endpoint's calls share. */
export interface EndpointContext {
  readonly seed: number;
  readonly clock: Clock;
  readonly capacity: Capacity;
  readonly responses: ResponseStore;
  /** The endpoint's own stream of speeds. */
  readonly speed: SeededRandom;
  /** A new id that starts with `prefix`. */
  newId(prefix: string): string;
}

/** One call that generates something. */
export interface Generation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly settings: ModelSettings;
  readonly call: Call;
  readonly context: EndpointContext;
  readonly body: Fields;
  readonly model: string;
  readonly fault: Fault | undefined;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** An answer's plan and the seed of its text; the same prompt gets the same text everywhere. */
export function planGeneration(
  { request, settings, context, model }: Generation,
  input: unknown,
  maxTokens: number | undefined,
): { plan: AnswerPlan; textSeed: string } {
  const textSeed = digest(`${context.seed} ${model} ${JSON.stringify(input)}`);
  const plan = planAnswer({
    settings,
    headers: request.headers,
    speed: context.speed,
    textSeed,
    prompt: promptText(input),
    maxTokens,
  });
  return { plan, textSeed };
}

/** Takes the endpoint's capacity until the answer is over, or throws 429. */
export function admit({ context, settings, response }: Generation, tokens: number): void {
  const release = context.capacity.admit(settings, tokens);
  response.once("close", release);
  const headers = context.capacity.headers(settings);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

/** Streams the answer as server-sent events; `errorText` is what `error-event` sends. */
export async function answerWithStream(
  generation: Generation,
  frames: Frames,
  errorText: string,
): Promise<void> {
  const { response, fault } = generation;
  if (fault?.name === "wrong-length") throw misplaced(fault, "a JSON answer");
  const options = sendOptions(generation);
  response.setHeader("content-type", "text/event-stream; charset=utf-8");
  response.setHeader("cache-control", "no-cache");
  await sendFrames(withFault(frames, fault, errorText), options);
}

/** Waits for as long as generating takes, then answers with JSON. */
export async function answerWithJson(
  generation: Generation,
  generationMs: number,
  body: () => object,
): Promise<void> {
  const { context, fault, signal } = generation;
  if (fault?.name === "error-event") throw misplaced(fault, "a stream");
  const options = sendOptions(generation);
  if (generationMs > 0) await delay(context.clock, generationMs, signal);
  await sendFaultyJson(body(), fault, options);
}

/** How long an answer takes that arrives all at once. */
export function generationMs({ ttftMs, tokenGapMs, outputTokens }: AnswerPlan): number {
  return ttftMs + tokenGapMs * Math.max(0, outputTokens - 1);
}

function misplaced({ name }: Fault, place: string): Error {
  return badRequest(`The fault "${name}" needs ${place}.`, "x-sim-fault");
}

function sendOptions({ request, response, context, signal, call }: Generation): SendOptions {
  const encoding = requestedEncoding(request.headers);
  const onTokens = (count: number): void => {
    call.outputTokens += count;
  };
  return { response, encoding, clock: context.clock, signal, onTokens };
}

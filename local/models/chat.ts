import { type Fields, isFields } from "../../shared/core/fields.ts";
import type { AnswerPlan } from "./answer-plan.ts";
import { badRequest, notEmulated } from "./api-error.ts";
import { doneFrame, type Frame, type Frames, SERVER_ERROR, sseFrame } from "./frame.ts";
import { generateTokens } from "./generated-text.ts";
import { positiveInteger } from "./request-body.ts";

const MAX_CHOICES = 128;

/** What a chat completion request asks for, as far as the simulation honours it. */
export interface ChatRequest {
  readonly messages: readonly unknown[];
  readonly choices: number;
  readonly maxTokens: number | undefined;
  readonly isStream: boolean;
  readonly includeUsage: boolean;
}

/** Reads a chat completion request, or throws the 400 that names what is wrong. */
export function parseChatRequest(body: Fields): ChatRequest {
  const { messages, stream, stream_options: streamOptions } = body;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw badRequest("Missing required parameter: 'messages'.", "messages");
  }
  refuseUnsupported(body);
  const choices = positiveInteger(body, "n") ?? 1;
  if (choices > MAX_CHOICES) throw badRequest(`"n" must be at most ${MAX_CHOICES}.`, "n");
  return {
    messages,
    choices,
    maxTokens:
      positiveInteger(body, "max_completion_tokens") ?? positiveInteger(body, "max_tokens"),
    isStream: stream === true,
    includeUsage: isFields(streamOptions) && streamOptions["include_usage"] === true,
  };
}

function refuseUnsupported(body: Fields): void {
  const { response_format: format, tool_choice: toolChoice } = body;
  if (isFields(format) && format["type"] !== "text") {
    throw notEmulated(`the response format ${JSON.stringify(format["type"])}`, "response_format");
  }
  if (toolChoice === "required" || isFields(toolChoice)) {
    throw notEmulated("tool calls", "tool_choice");
  }
  if (body["logprobs"] === true) throw notEmulated("log probabilities", "logprobs");
}

/** One answer to a chat completion request. */
export interface ChatAnswer {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
  readonly plan: AnswerPlan;
  readonly textSeed: string;
  readonly request: ChatRequest;
  /** Azure adds content filter results, and a first chunk without choices. */
  readonly isAzure: boolean;
  /** False when the answer keeps its usage to itself, as some backends do. */
  readonly hasUsage: boolean;
}

/** The whole answer as one `chat.completion`. */
export function chatCompletion(answer: ChatAnswer): object {
  const { plan, isAzure } = answer;
  return {
    ...envelope(answer, "chat.completion"),
    ...(isAzure && { prompt_filter_results: PROMPT_FILTER_RESULTS }),
    choices: choiceIndexes(answer).map((index) => ({
      index,
      message: {
        role: "assistant",
        content: [...choiceTokens(answer, index)].join(""),
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: finishReason(plan),
      ...(isAzure && { content_filter_results: FILTER_RESULTS }),
    })),
    ...(answer.hasUsage && { usage: usageOf(answer) }),
  };
}

/** The answer as the chunks of a stream, ending in `[DONE]`. */
export function* chatFrames(answer: ChatAnswer): Frames {
  const { plan, request } = answer;
  const chunk = chunkOf(answer);
  if (answer.isAzure) yield chunk([], {}, { prompt_filter_results: PROMPT_FILTER_RESULTS });
  for (const index of choiceIndexes(answer)) {
    const delayMs = index === 0 ? plan.ttftMs : 0;
    yield chunk([choiceDelta(index, { role: "assistant", content: "" })], { delayMs });
  }
  yield* contentFrames(answer);
  for (const index of choiceIndexes(answer)) {
    yield chunk([{ ...choiceDelta(index, {}), finish_reason: finishReason(plan) }]);
  }
  if (request.includeUsage && answer.hasUsage) yield chunk([], {}, { usage: usageOf(answer) });
  yield doneFrame();
  return undefined;
}

function* contentFrames(answer: ChatAnswer): Generator<Frame> {
  const { plan } = answer;
  const chunk = chunkOf(answer);
  const streams = choiceIndexes(answer).map((index) => choiceTokens(answer, index));
  for (let token = 0; token < plan.outputTokens; token++) {
    for (const [index, stream] of streams.entries()) {
      const isFirst = token === 0 || index > 0;
      const timing = { delayMs: isFirst ? 0 : plan.tokenGapMs, isToken: true };
      yield chunk([choiceDelta(index, { content: stream.next().value })], timing);
    }
  }
}

/** How a chat stream reports an error. */
export const CHAT_ERROR = sseFrame({ error: SERVER_ERROR }).text;

type ChunkOf = (choices: object[], timing?: Partial<Frame>, more?: object) => Frame;

function chunkOf(answer: ChatAnswer): ChunkOf {
  const head = {
    ...envelope(answer, "chat.completion.chunk"),
    ...(answer.request.includeUsage && { usage: null }),
  };
  return (choices, timing, more) => sseFrame({ ...head, choices, ...more }, timing);
}

function choiceDelta(index: number, delta: object): object {
  return { index, delta, logprobs: null, finish_reason: null };
}

function envelope({ id, createdAt, model }: ChatAnswer, object: string): object {
  const created = Math.floor(createdAt / 1_000);
  return { id, object, created, model, system_fingerprint: "fp_simulated" };
}

function choiceIndexes({ request }: ChatAnswer): number[] {
  return Array.from({ length: request.choices }, (_, index) => index);
}

function choiceTokens({ textSeed, plan }: ChatAnswer, index: number): Generator<string> {
  return generateTokens(`${textSeed} choice ${index}`, plan.outputTokens);
}

function finishReason({ isCutOff }: AnswerPlan): "length" | "stop" {
  return isCutOff ? "length" : "stop";
}

function usageOf({ plan, request }: ChatAnswer): object {
  const completionTokens = plan.outputTokens * request.choices;
  return {
    prompt_tokens: plan.promptTokens,
    completion_tokens: completionTokens,
    total_tokens: plan.promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

const SAFE = { filtered: false, severity: "safe" };
const FILTER_RESULTS = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE };
const PROMPT_FILTER_RESULTS = [{ prompt_index: 0, content_filter_results: FILTER_RESULTS }];

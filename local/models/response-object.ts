import type { AnswerPlan } from "./answer-plan.ts";
import { generateTokens } from "./generated-text.ts";
import type { ResponsesRequest } from "./responses-request.ts";

export type ResponseStatus =
  | "queued"
  | "in_progress"
  | "completed"
  | "failed"
  | "cancelled"
  | "incomplete";

/** One answer of the Responses API, whatever its state. */
export interface ModelResponse {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
  readonly plan: AnswerPlan;
  readonly textSeed: string;
  readonly request: ResponsesRequest;
  /** False when the answer keeps its usage to itself, as some backends do. */
  readonly hasUsage: boolean;
}

/** The response as the API shows it in a given state; text and usage exist once it is over. */
export function responseObject(response: ModelResponse, status: ResponseStatus): object {
  const { id, createdAt, model, plan, request, hasUsage } = response;
  const isAnswered = status === "completed" || status === "incomplete";
  return {
    id,
    object: "response",
    created_at: Math.floor(createdAt / 1_000),
    status,
    background: request.isBackground,
    error: status === "failed" ? FAILURE : null,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: request.instructions,
    max_output_tokens: request.maxTokens ?? null,
    metadata: request.metadata,
    model,
    output: isAnswered ? [outputMessage(response, "completed", responseText(response))] : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: request.isStored,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage: isAnswered && hasUsage ? usageOf(plan) : null,
  };
}

const FAILURE = { code: "server_error", message: "The model failed to generate a response." };

/** The message item of a response, empty while it is being written. */
export function outputMessage(
  { id, plan }: ModelResponse,
  status: "in_progress" | "completed",
  text: string | undefined,
): object {
  return {
    id: messageId(id),
    type: "message",
    status: status === "completed" && plan.isCutOff ? "incomplete" : status,
    role: "assistant",
    content: text === undefined ? [] : [outputText(text)],
  };
}

/** The text part of a message. */
export function outputText(text: string): object {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

/** The id of the one message in a response. */
export function messageId(responseId: string): string {
  return responseId.replace(/^resp_/, "msg_");
}

/** The tokens of the answer, in order. */
export function responseTokens({ textSeed, plan }: ModelResponse): Generator<string> {
  return generateTokens(`${textSeed} choice 0`, plan.outputTokens);
}

/** The whole text of the answer. */
export function responseText(response: ModelResponse): string {
  return [...responseTokens(response)].join("");
}

/** The state in which an answer ends when nothing goes wrong. */
export function finalStatus({ plan }: ModelResponse): "completed" | "incomplete" {
  return plan.isCutOff ? "incomplete" : "completed";
}

function usageOf(plan: AnswerPlan): object {
  return {
    input_tokens: plan.promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: plan.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: plan.promptTokens + plan.outputTokens,
  };
}

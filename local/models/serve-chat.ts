import {
  CHAT_ERROR,
  type ChatRequest,
  chatCompletion,
  chatFrames,
  parseChatRequest,
} from "./chat.ts";
import {
  admit,
  answerWithJson,
  answerWithStream,
  type Generation,
  generationMs,
  planGeneration,
} from "./generation.ts";
import { MAX_OUTPUT_TOKENS } from "./settings.ts";

/** `POST /v1/chat/completions` and Azure's path by deployment. */
export async function serveChat(generation: Generation, isAzure: boolean): Promise<void> {
  const { body, context, model, call } = generation;
  const request = parseChatRequest(body);
  const { plan, textSeed } = planGeneration(generation, request.messages, limitOf(request));
  admit(generation, plan.promptTokens + plan.outputTokens * request.choices);
  const hasUsage = generation.fault?.name !== "no-usage";
  const createdAt = context.clock.now();
  const id = context.newId("chatcmpl-");
  const answer = { id, createdAt, model, plan, textSeed, request, isAzure, hasUsage };
  if (request.isStream) return await answerWithStream(generation, chatFrames(answer), CHAT_ERROR);
  await answerWithJson(generation, generationMs(plan), () => chatCompletion(answer));
  call.outputTokens = plan.outputTokens * request.choices;
}

// All choices together stay within what one answer may hold.
function limitOf({ maxTokens = MAX_OUTPUT_TOKENS, choices }: ChatRequest): number {
  return Math.min(maxTokens, Math.floor(MAX_OUTPUT_TOKENS / choices));
}

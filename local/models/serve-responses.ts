import {
  admit,
  answerWithJson,
  answerWithStream,
  type Generation,
  generationMs,
  planGeneration,
} from "./generation.ts";
import { RESPONSE_ERROR, responseFrames } from "./response-events.ts";
import { finalStatus, type ModelResponse, responseObject } from "./response-object.ts";
import { parseResponsesRequest } from "./responses-request.ts";

/** `POST /v1/responses`, streamed, at once, or in the background. */
export async function serveResponses(generation: Generation): Promise<void> {
  const { body, context, model, fault, call } = generation;
  const request = parseResponsesRequest(body);
  const { plan, textSeed } = planGeneration(generation, request.input, request.maxTokens);
  admit(generation, plan.promptTokens + plan.outputTokens);
  const createdAt = context.clock.now();
  const id = context.newId("resp_");
  const hasUsage = fault?.name !== "no-usage";
  const response: ModelResponse = { id, createdAt, model, plan, textSeed, request, hasUsage };
  const isDoomed = fault?.name === "background-failure";
  if (request.isStored) context.responses.put(response, isDoomed);
  if (request.isStream)
    return await answerWithStream(generation, responseFrames(response), RESPONSE_ERROR);
  if (request.isBackground) {
    return await answerWithJson(generation, 0, () => responseObject(response, "queued"));
  }
  const finished = (): object => responseObject(response, finalStatus(response));
  await answerWithJson(generation, generationMs(plan), finished);
  call.outputTokens = plan.outputTokens;
}

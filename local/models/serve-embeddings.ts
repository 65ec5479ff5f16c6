import { requestedTtftMs } from "./answer-plan.ts";
import { embeddings, parseEmbeddingsRequest } from "./embeddings.ts";
import { admit, answerWithJson, type Generation } from "./generation.ts";
import { drawLogNormal } from "./seeded-random.ts";

/** `POST /v1/embeddings` and Azure's path by deployment. */
export async function serveEmbeddings(generation: Generation): Promise<void> {
  const { body, context, model, settings, request } = generation;
  const parsed = parseEmbeddingsRequest(body);
  admit(generation, parsed.promptTokens);
  const waitMs =
    requestedTtftMs(request.headers) ??
    drawLogNormal(context.speed, settings.ttftMs, settings.ttftSigma);
  await answerWithJson(generation, waitMs, () => embeddings(parsed, model, context.seed));
}

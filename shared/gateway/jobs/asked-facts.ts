import { inlineBytes, type RequestEnvelope } from "../../messaging/index.ts";
import { genAiRequest, modelHint, redactTarget } from "../../telemetry/index.ts";

/** What a stored request asked for, as the records of all requests have it. */
export function askedFacts({ method, target, body }: RequestEnvelope) {
  const model = modelHint(body && inlineBytes(body));
  const asked = genAiRequest({ method, target, model });
  const { operation, provider, model: requestModel, outputType } = asked;
  return { method, path: redactTarget(target), operation, provider, requestModel, outputType };
}

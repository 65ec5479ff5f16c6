import { type Frame, type Frames, SERVER_ERROR, sseFrame } from "./frame.ts";
import {
  finalStatus,
  type ModelResponse,
  messageId,
  outputMessage,
  outputText,
  responseObject,
  responseText,
  responseTokens,
} from "./response-object.ts";

type Emit = (type: string, data: object, timing?: Partial<Frame>) => Frame;

/** A response as the events of a stream, from `response.created` to its final state. */
export function* responseFrames(response: ModelResponse): Frames {
  const { plan } = response;
  const emit = numberedEvents();
  const final = finalStatus(response);
  yield* openingFrames(response, emit);
  yield emit("response.in_progress", { response: responseObject(response, "in_progress") });
  const item = outputMessage(response, "in_progress", undefined);
  yield emit("response.output_item.added", { output_index: 0, item }, { delayMs: plan.ttftMs });
  const place = { item_id: messageId(response.id), output_index: 0, content_index: 0 };
  yield emit("response.content_part.added", { ...place, part: outputText("") });
  let delayMs = 0;
  for (const delta of responseTokens(response)) {
    const timing = { delayMs, isToken: true };
    yield emit("response.output_text.delta", { ...place, delta, logprobs: [] }, timing);
    delayMs = plan.tokenGapMs;
  }
  const text = responseText(response);
  yield emit("response.output_text.done", { ...place, text, logprobs: [] });
  yield emit("response.content_part.done", { ...place, part: outputText(text) });
  const done = outputMessage(response, "completed", text);
  yield emit("response.output_item.done", { output_index: 0, item: done });
  yield emit(`response.${final}`, { response: responseObject(response, final) });
  return undefined;
}

/** How a response's stream reports an error. */
export const RESPONSE_ERROR = sseFrame({ ...SERVER_ERROR, type: "error" }, { event: "error" }).text;

function* openingFrames(response: ModelResponse, emit: Emit): Generator<Frame> {
  const status = response.request.isBackground ? "queued" : "in_progress";
  const shown = responseObject(response, status);
  yield emit("response.created", { response: shown });
  if (status === "queued") yield emit("response.queued", { response: shown });
}

function numberedEvents(): Emit {
  let sequenceNumber = 0;
  return (type, data, timing) => {
    const event = { type, sequence_number: sequenceNumber, ...data };
    sequenceNumber += 1;
    return sseFrame(event, { ...timing, event: type });
  };
}

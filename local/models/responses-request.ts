import { type Fields, isFields } from "../../shared/core/fields.ts";
import { badRequest, notEmulated } from "./api-error.ts";
import { positiveInteger } from "./request-body.ts";

/** What a request to the Responses API asks for, as far as the simulation honours it. */
export interface ResponsesRequest {
  readonly input: unknown;
  readonly instructions: string | null;
  readonly maxTokens: number | undefined;
  readonly metadata: Fields;
  readonly isStream: boolean;
  readonly isBackground: boolean;
  /** Whether `GET /v1/responses/{id}` finds it afterwards. */
  readonly isStored: boolean;
}

/** Reads a request to the Responses API, or throws the 400 that names what is wrong. */
export function parseResponsesRequest(body: Fields): ResponsesRequest {
  const { input, instructions, metadata, stream, background, store } = body;
  if (typeof input !== "string" && !(Array.isArray(input) && input.length > 0)) {
    throw badRequest("Missing required parameter: 'input'.", "input");
  }
  refuseUnsupported(body);
  const isBackground = background === true;
  if (isBackground && store === false) {
    throw badRequest("A background response must be stored.", "store");
  }
  return {
    input,
    instructions: typeof instructions === "string" ? instructions : null,
    maxTokens: positiveInteger(body, "max_output_tokens"),
    metadata: isFields(metadata) ? metadata : {},
    isStream: stream === true,
    isBackground,
    isStored: store !== false,
  };
}

function refuseUnsupported(body: Fields): void {
  const { text, tool_choice: toolChoice } = body;
  const format = isFields(text) ? text["format"] : undefined;
  if (isFields(format) && format["type"] !== "text") {
    throw notEmulated(`the text format ${JSON.stringify(format["type"])}`, "text.format");
  }
  if (toolChoice === "required" || isFields(toolChoice)) {
    throw notEmulated("tool calls", "tool_choice");
  }
  if (typeof body["previous_response_id"] === "string") {
    throw notEmulated("conversations by response id", "previous_response_id");
  }
}

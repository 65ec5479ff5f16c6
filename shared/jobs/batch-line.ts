import { isFields } from "../core/fields.ts";

/** One request of a batch, as OpenAI's Batch API has it. */
export interface BatchLine {
  readonly customId: string;
  /** Path and query. */
  readonly url: string;
  /** The request's body as JSON text. */
  readonly body: string;
}

const MAX_CUSTOM_ID = 256;
const MAX_URL = 2048;
// The gateway's own paths are no backend's.
const OWN_PATH =
  /^\/(jobs|usage|operations|metrics|openapi\.json|health|liveness|readiness|startup)(\/|\?|$)/i;

/** Reads one line of a batch; a text says what is wrong with it. */
export function parseBatchLine(text: string): BatchLine | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is no JSON";
  }
  if (!isFields(value)) return "is no JSON object";
  const { custom_id: customId, method, url, body } = value;
  if (typeof customId !== "string" || customId === "" || customId.length > MAX_CUSTOM_ID) {
    return `needs a custom_id of 1 to ${MAX_CUSTOM_ID} characters`;
  }
  if (method !== "POST") return "needs the method POST";
  if (typeof url !== "string" || !isPath(url)) return "needs a url that is a path";
  if (OWN_PATH.test(url)) return "asks for a path of the gateway itself";
  if (!isFields(body)) return "needs a body that is a JSON object";
  if (body["stream"] === true) return "asks for a stream, which a batch cannot give";
  const bodyText = jsonText(body);
  return bodyText === undefined
    ? "has a body that is nested too deeply"
    : { customId, url, body: bodyText };
}

/** Undefined for what is nested so deeply that writing it overflows the stack: reading it does not. */
function jsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const isPath = (url: string): boolean =>
  /^\/(?!\/)[\x21-\x7e]*$/.test(url) && url.length <= MAX_URL && !url.includes("#");

/** What came of one line. */
export type LineEnd =
  | { readonly status: number; readonly text: string }
  | { readonly error: { readonly code: string; readonly message: string } };

interface LineName {
  /** The request's id at the gateway. */
  readonly requestId: string;
  readonly customId: string;
}

/** A line of the output or the error file. */
export function lineOutput({ requestId, customId }: LineName, end: LineEnd): string {
  const id = `batch_req_${requestId}`;
  if ("error" in end) {
    return JSON.stringify({ id, custom_id: customId, response: null, error: end.error });
  }
  const line = (body: unknown): object => {
    const response = { status_code: end.status, request_id: requestId, body };
    return { id, custom_id: customId, response, error: null };
  };
  return jsonText(line(jsonOr(end.text))) ?? JSON.stringify(line(end.text));
}

/** Whether a line belongs into the output file; else it is in the error file. */
export const isLineOk = (end: LineEnd): boolean => "status" in end && end.status < 400;

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

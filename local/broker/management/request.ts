import { malformed } from "../amqp/errors.ts";
import { type Typed, types } from "../amqp/rhea.ts";
import { readSections, SECTION } from "../amqp/sections.ts";
import { decode, encode, entriesOf, mapOf, sectionOf, valuesOf } from "../amqp/typed.ts";

/** A request on a `$management` or `$cbs` link. */
export interface Request {
  readonly operation: string;
  readonly messageId: Typed;
  readonly replyTo: string;
  readonly body: Typed | undefined;
}

const MESSAGE_ID_FIELD = 0;
const REPLY_TO_FIELD = 4;

/** Reads a request; every value keeps its AMQP type. */
export function readRequest(payload: Buffer): Request {
  const sections = readSections(payload);
  const read = (code: number): Typed | undefined => {
    const section = sections.find((one) => one.code === code);
    return section && decode(payload.subarray(section.valueStart, section.end));
  };
  const properties = valuesOf(read(SECTION.properties));
  const application = new Map(entriesOf(read(SECTION.applicationProperties)));
  const messageId = properties[MESSAGE_ID_FIELD] ?? types.Null();
  const replyTo = properties[REPLY_TO_FIELD]?.value;
  const operation = application.get("operation")?.value;
  if (typeof operation !== "string") throw malformed("The request names no operation.");
  if (typeof replyTo !== "string") throw malformed("The request does not say where to reply.");
  return { operation, messageId, replyTo, body: read(SECTION.value) };
}

/** Encodes a response; its correlation id is the request's message id, type and all. */
export function encodeResponse(
  request: Request,
  response: { properties: Readonly<Record<string, Typed>>; body?: Typed | undefined },
): Buffer {
  const none = types.Null();
  const correlated = [none, none, none, none, none, request.messageId];
  return encode(
    sectionOf("properties", types.wrap_list(correlated)),
    sectionOf("applicationProperties", mapOf(response.properties)),
    sectionOf("value", response.body ?? none),
  );
}

import type { ServerResponse } from "node:http";
import { HttpResponse, type HttpResponseInit } from "@azure/functions";

/** Sends an answer as the Functions library's streaming server does: no heed for a slow reader. */
export async function sendAsLibrary(
  init: HttpResponse | HttpResponseInit,
  response: ServerResponse,
): Promise<void> {
  const answer = init instanceof HttpResponse ? init : new HttpResponse(init);
  for (const [name, value] of answer.headers) response.setHeader(name, value);
  response.statusCode = answer.status;
  // The DOM's types do not know that a stream of the web can be iterated.
  const body = answer.body as { values(): AsyncIterable<Uint8Array> } | null;
  if (body) for await (const chunk of body.values()) response.write(chunk);
  response.end();
}

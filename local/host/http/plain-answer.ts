import type { ServerResponse } from "node:http";

/** Answers with a short text, or with JSON when `body` is an object. */
export function answerPlainly(
  response: ServerResponse,
  status: number,
  body: string | object = "",
): void {
  if (response.headersSent || response.destroyed) return;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.statusCode = status;
  if (text) {
    const type =
      typeof body === "string" ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
    response.setHeader("content-type", type);
  }
  response.setHeader("content-length", Buffer.byteLength(text));
  response.end(text);
}

import type { IncomingMessage, ServerResponse } from "node:http";

/** `Host.CORS` of local.settings.json. */
export interface CorsSettings {
  readonly origins: readonly string[];
  readonly credentials: boolean;
}

/**
 * Adds CORS headers for an allowed origin. Returns true when the request was a preflight, which is
 * then answered.
 */
export function applyCors(
  { origins, credentials }: CorsSettings,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const origin = request.headers.origin;
  if (!origin || !(origins.includes("*") || origins.includes(origin))) return false;
  const isAnyOrigin = origins.includes("*") && !credentials;
  response.setHeader("access-control-allow-origin", isAnyOrigin ? "*" : origin);
  if (!isAnyOrigin) response.setHeader("vary", "Origin");
  if (credentials) response.setHeader("access-control-allow-credentials", "true");
  const method = request.headers["access-control-request-method"];
  if (request.method !== "OPTIONS" || !method) return false;
  response.setHeader("access-control-allow-methods", method);
  const headers = request.headers["access-control-request-headers"];
  if (headers) response.setHeader("access-control-allow-headers", headers);
  response.statusCode = 204;
  response.end();
  return true;
}

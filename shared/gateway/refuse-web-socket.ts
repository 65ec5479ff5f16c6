import { GatewayError } from "../core/errors.ts";
import { headerValue } from "../core/headers.ts";
import type { GatewayRequest } from "../core/http.ts";

/**
 * Refuses to open a WebSocket, which no HTTP trigger can: without its `Upgrade` the handshake would be a
 * plain GET to a backend. Its key says so on hosts that take `Upgrade` out themselves.
 */
export function refuseWebSocket({ method, headers }: Pick<GatewayRequest, "method" | "headers">) {
  if (method !== "GET" || headerValue(headers, "sec-websocket-key") === undefined) return;
  throw new GatewayError("websocket-unsupported", "The gateway cannot carry a WebSocket.");
}

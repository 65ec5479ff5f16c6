import { GatewayError } from "../core/errors.ts";
import type { GatewayRequest } from "../core/http.ts";

/** What the gateway's own interface has, by the routes of its functions, and the methods that each takes. */
export const OWN_RESOURCES: Readonly<Record<string, string>> = {
  jobs: "GET",
  "jobs/batch": "POST",
  "jobs/{id}": "DELETE, GET, PATCH",
  "jobs/{id}/result": "GET",
  "jobs/{id}/errors": "GET",
  "jobs/{id}/events": "GET",
  "jobs/{id}/events/{sequence}/redeliver": "POST",
  "jobs/{id}/stream": "GET",
  usage: "GET",
  "openapi.json": "GET",
  operations: "GET",
  "operations/status": "GET",
  "operations/requests/{id}": "GET",
  "operations/dead-letters": "GET",
  "operations/dead-letters/{queue}": "DELETE",
  "operations/dead-letters/{queue}/redrive": "POST",
  "operations/dead-letters/{queue}/{sequenceNumber}": "DELETE",
  "operations/dead-letters/{queue}/{sequenceNumber}/redrive": "POST",
};

// Fixed paths before those with a parameter: `jobs/batch` is no job.
const PATTERNS = Object.entries(OWN_RESOURCES).map(([route, methods]) => {
  const path = route.replace(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+");
  return { pattern: new RegExp(`^/${path}/?$`, "i"), methods };
});
const MAY_BE_OWN = /^\/(?:jobs|usage|operations|openapi\.json)(?:[/?]|$)/i;

/**
 * Refuses a request for a resource of the gateway's own: it came here because no function takes its
 * method, and no backend is to have what was meant for the gateway.
 */
export function refuseOwnResource({ method, target }: Pick<GatewayRequest, "method" | "target">) {
  if (!MAY_BE_OWN.test(target)) return;
  const [path = ""] = target.split("?", 1);
  const own = PATTERNS.find(({ pattern }) => pattern.test(path));
  if (!own) return;
  throw new GatewayError("method-not-allowed", `The resource does not support ${method}.`, {
    headers: [["allow", own.methods]],
  });
}

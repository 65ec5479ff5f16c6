import type { ServerResponse } from "node:http";
import type { Clock } from "../../shared/core/clock.ts";
import { badRequest } from "./api-error.ts";
import { sendJson } from "./send-json.ts";

const PATH = "/sim/operations";
const DEFAULT_MS = 2000;
const MAX_MS = 86_400_000;

/** `POST /sim/operations?ms=N`: accepts work that takes so long, and says where it can be followed. */
export function startOperation(target: string, response: ServerResponse, clock: Clock): void {
  const asked = new URLSearchParams(target.split("?", 2)[1] ?? "").get("ms");
  const tookMs = Number(asked ?? DEFAULT_MS);
  if (!Number.isSafeInteger(tookMs) || tookMs < 0 || tookMs > MAX_MS) {
    throw badRequest(`"ms" must be a whole number from 0 to ${MAX_MS}.`, "ms");
  }
  // The id says all that there is to know, so that an operation survives a restart.
  const location = `${PATH}/${clock.now() + tookMs}`;
  response.setHeader("operation-location", location);
  response.setHeader("retry-after", "1");
  sendJson(response, 202, { status: "notStarted" });
}

/** `GET /sim/operations/{id}` and, once that has succeeded, `GET /sim/operations/{id}/result`. */
export function showOperation(
  response: ServerResponse,
  { id, isResult }: { readonly id: string; readonly isResult: boolean },
  clock: Clock,
): void {
  const isDone = clock.now() >= Number(id);
  if (isResult) {
    sendJson(response, isDone ? 200 : 404, isDone ? { id, answer: 42 } : {});
    return;
  }
  const result = isDone ? { resourceLocation: `${PATH}/${id}/result` } : {};
  sendJson(response, 200, { id, status: isDone ? "succeeded" : "running", ...result });
}

import type { IncomingMessage } from "node:http";
import type { InstanceFilter, InstanceRow } from "../store/instance-table.ts";
import { CallError } from "./call.ts";

const TOKEN_HEADER = "x-ms-continuation-token";

const PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;

/** The instances that a query is about. */
export function instanceFilter(query: URLSearchParams, request: IncomingMessage): InstanceFilter {
  const createdFrom = time(query, "createdTimeFrom");
  const createdTo = time(query, "createdTimeTo");
  const token = request.headers[TOKEN_HEADER];
  return {
    ...(createdFrom === undefined ? {} : { createdFrom }),
    ...(createdTo === undefined ? {} : { createdTo }),
    ...(token ? { after: readToken(String(token)) } : {}),
    statuses: (query.get("runtimeStatus") ?? "").split(",").filter(Boolean),
    idPrefix: query.get("instanceIdPrefix") ?? "",
    limit: pageSize(query),
  };
}

/** The header with which a client asks for the page after `last`. */
export function continuationHeader(last: InstanceRow | undefined): Record<string, string> {
  if (!last) return {};
  const text = JSON.stringify([last.createdAt, last.instanceId]);
  return { [TOKEN_HEADER]: Buffer.from(text).toString("base64url") };
}

function readToken(token: string): { createdAt: number; instanceId: string } {
  try {
    const [createdAt, instanceId] = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (typeof createdAt === "number" && typeof instanceId === "string") {
      return { createdAt, instanceId };
    }
  } catch {
    // Answered below, like a token of another shape.
  }
  throw new CallError(400, `${TOKEN_HEADER} is not a token that was given out here.`);
}

function time(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) throw new CallError(400, `${name} is not a date.`);
  return atMs;
}

function pageSize(query: URLSearchParams): number {
  const text = query.get("top");
  if (!text) return PAGE_SIZE;
  const top = Number(text);
  if (!Number.isInteger(top) || top < 1) throw new CallError(400, "top is a positive number.");
  return Math.min(top, MAX_PAGE_SIZE);
}

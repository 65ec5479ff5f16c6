import { type HeaderList, headerValue } from "../core/headers.ts";
import type { CalledBackend } from "../core/http.ts";
import type { ProviderWorkKind, WorkAnswer } from "./provider-work.ts";

/** Where work that a provider has taken over is looked for, as paths and queries at that provider. */
export interface TakenWork {
  readonly kind: ProviderWorkKind;
  readonly target: string;
  readonly resultTarget?: string;
}

type Called = Pick<CalledBackend, "origin" | "target">;

const ACCEPTED = 202;
const CREATED = 201;

/**
 * Recognises an answer that is no result yet: a response that runs in the background, or an operation
 * that was accepted. Undefined for a result, and for an operation that is told of elsewhere: another
 * host is none of ours to ask, and gets no credentials.
 */
export function findProviderWork(
  answer: WorkAnswer & { readonly headers: HeaderList },
  called: Called,
): TakenWork | undefined {
  const { status, headers, fields } = answer;
  if (status < 200 || status > ACCEPTED) return undefined;
  const response = responseTarget(fields, called);
  if (response !== undefined) return { kind: "response", target: response };
  if (status !== ACCEPTED && status !== CREATED) return undefined;
  const operation = ownTarget(operationLocation(headers), called);
  const location = ownTarget(headerValue(headers, "location"), called);
  if (operation !== undefined) {
    const result = location === undefined ? {} : { resultTarget: location };
    return { kind: "operation", target: operation, ...result };
  }
  if (status !== ACCEPTED || location === undefined) return undefined;
  return { kind: "location", target: location };
}

const operationLocation = (headers: HeaderList): string | undefined =>
  headerValue(headers, "operation-location") ?? headerValue(headers, "azure-asyncoperation");

const UNFINISHED = new Set(["queued", "in_progress"]);
const ID = /^[\w.-]{1,256}$/;

/** The response is below the path that made it, with the same query: Azure needs its `api-version`. */
function responseTarget(fields: WorkAnswer["fields"], { target }: Called): string | undefined {
  const { id, status, background, object } = fields;
  if (background !== true && object !== "response") return undefined;
  if (typeof status !== "string" || !UNFINISHED.has(status)) return undefined;
  if (typeof id !== "string" || !ID.test(id) || /^\.+$/.test(id)) return undefined;
  return below(target, `/${id}`);
}

// Looked for where they begin only: a path of slashes would be gone through from each of them.
const LAST_SLASHES = /(?<!\/)\/+$/;

/** A target with a path below its own, before its query. */
export function below(target: string, path: string): string {
  const [own = "", query] = splitQuery(target);
  return `${own.replace(LAST_SLASHES, "")}${path}${query}`;
}

function splitQuery(target: string): readonly [path: string, query: string] {
  const at = target.indexOf("?");
  return at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at)];
}

/** The path and query of an address at the backend that gave it; undefined for any other. */
export function ownTarget(
  address: string | undefined,
  { origin, target }: Called,
): string | undefined {
  if (address === undefined || !URL.canParse(address, `${origin}${target}`)) return undefined;
  const url = new URL(address, `${origin}${target}`);
  if (url.origin !== new URL(origin).origin || url.username !== "" || url.password !== "") {
    return undefined;
  }
  return `${url.pathname}${url.search}`;
}

import { type HeaderList, headerValue } from "../../core/headers.ts";
import { type TraceContext, toTraceFields } from "../../core/trace-context.ts";
import { REQUEST_ID_HEADER, responseHeaders, TIMING_HEADERS } from "../forwarded-headers.ts";

const AFFINITY = "x-backend-affinity";
const CYCLE = "x-PolicyCycleCounter";
const RECEIPT = "x-s7p-receipt";

export interface AttemptHeaders {
  readonly requestId: string;
  /** How many calls were made for the request before this one. */
  readonly cycle: number;
  /** Whether an affinity value is one of this gateway's; a backend's own is for the backend. */
  isOwnAffinity(token: string): boolean;
  /** Whose child the backend is; absent, it is that of whom the client names. */
  readonly trace?: TraceContext | undefined;
}

const OWN_NAMES = new Set([CYCLE, REQUEST_ID_HEADER].map((name) => name.toLowerCase()));
const TRACE_NAMES = new Set(["traceparent", "tracestate"]);

/** Adds what tells a backend which request, and which call of it, this is. */
export function headersForAttempt(
  headers: HeaderList,
  { requestId, cycle, isOwnAffinity, trace }: AttemptHeaders,
): HeaderList {
  const kept = headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (OWN_NAMES.has(lower) || (trace && TRACE_NAMES.has(lower))) return false;
    return !(lower === AFFINITY && isOwnAffinity(value));
  });
  const added = trace ? Object.entries(toTraceFields(trace)) : [];
  return [...kept, [CYCLE, String(cycle)], [REQUEST_ID_HEADER, requestId], ...added];
}

export interface ClientHeaders {
  readonly receipt: string | undefined;
  readonly affinity: string | undefined;
  /** Lower-cased names that the settings keep from clients. */
  readonly stripped: readonly string[];
}

/** What of a backend's headers goes on to the client, and how to come to the same backend again. */
export function headersForClient(
  headers: HeaderList,
  { receipt, affinity, stripped }: ClientHeaders,
): HeaderList {
  const passed = responseHeaders(headers, [...stripped, RECEIPT]);
  if (affinity === undefined && receipt === undefined) return passed;
  const hasAffinity = headerValue(passed, AFFINITY) !== undefined;
  return [
    ...passed,
    ...(affinity === undefined || hasAffinity ? [] : [[AFFINITY, affinity] as const]),
    ...(receipt === undefined ? [] : [[RECEIPT, receipt] as const]),
  ];
}

/** What a request took of all its time. */
export interface Taken {
  readonly attemptCount: number;
  readonly processMs: number;
}

/** Which request it was, how its time was spent, in milliseconds, and how many calls it took. */
export function headersOfRequest(
  requestId: string,
  { attemptCount, processMs }: Taken,
  totalMs: number,
): HeaderList {
  return [
    [REQUEST_ID_HEADER, requestId],
    [TIMING_HEADERS.queued, String(Math.max(0, totalMs - processMs))],
    [TIMING_HEADERS.processed, String(processMs)],
    [TIMING_HEADERS.attempts, String(attemptCount)],
  ];
}

import { type HeaderList, headerValue } from "../core/headers.ts";
import { retryAfterMs } from "../core/retry-after.ts";

/** What a backend's status means for the request: hand it on, or try the next backend. */
export function isPassedOn(status: number): boolean {
  if (status >= 500 || status === 429 || status === 404 || status === 412) return false;
  // 300 is an answer; the other redirects are as the original has them: try elsewhere.
  return status <= 300 || status >= 400;
}

/** What an answer means for the request, and for what is known of its backend. */
export type Verdict =
  /** The client's to have; a refusal is one too, and blames nobody. */
  | { readonly kind: "answered" | "refused" }
  /** Asks for the same request again, later. */
  | { readonly kind: "requeued"; readonly delayMs: number }
  /** Asks to be left alone by all requests for a while. */
  | { readonly kind: "throttled"; readonly waitMs: number }
  /** The backend's fault. */
  | { readonly kind: "failed"; readonly waitMs?: number }
  /** Nobody's fault, but another backend may do better. */
  | { readonly kind: "elsewhere" };

const DEFAULT_REQUEUE_MS = 1000;
const UNAUTHORIZED = 401;

export interface JudgedCall {
  readonly nowMs: number;
  /** Whether the backend was called with the gateway's own token. */
  readonly isIdentified?: boolean;
}

/** Judges an answer by its status and headers. */
export function judgeAnswer(
  status: number,
  headers: HeaderList,
  { nowMs, isIdentified = false }: JudgedCall,
): Verdict {
  // The gateway is who is refused, and only there; but a client's other credentials may be why.
  if (isIdentified && status === UNAUTHORIZED) return { kind: "elsewhere" };
  if (isPassedOn(status)) return { kind: status <= 300 ? "answered" : "refused" };
  const waitMs = retryAfterMs(headers, nowMs);
  if (status === 429) {
    const isRequeued = headerValue(headers, "S7PREQUEUE")?.trim().toLowerCase() === "true";
    if (isRequeued) return { kind: "requeued", delayMs: waitMs ?? DEFAULT_REQUEUE_MS };
    return waitMs === undefined ? { kind: "failed" } : { kind: "throttled", waitMs };
  }
  if (status < 500) return { kind: "elsewhere" };
  return waitMs === undefined ? { kind: "failed" } : { kind: "failed", waitMs };
}

const WAITING_STATUSES = new Set([408, 412, 429]);

/**
 * The status of a request that no backend served, from the statuses of its attempts (408 for a
 * time-out, 502 for a broken connection): the last one where all mean waiting, the common one where
 * all agree, else 502; 503 when nothing was tried.
 */
export function exhaustedStatus(statuses: readonly number[]): number {
  const last = statuses.at(-1);
  if (last === undefined) return 503;
  if (statuses.every((status) => WAITING_STATUSES.has(status))) return last;
  return statuses.every((status) => status === last) ? last : 502;
}

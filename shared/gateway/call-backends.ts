import type { BackendAnswer } from "../backends/index.ts";
import { createDeadline } from "../core/deadline.ts";
import { GatewayError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";
import { exhaustedStatus, isPassedOn, type Match, matchHosts } from "../routing/index.ts";
import { attemptFailed } from "../telemetry/index.ts";
import { responseHeaders } from "./forwarded-headers.ts";
import type { Services } from "./services.ts";

/** A request that is ready to be called: body whole, headers as the client sent them. */
export interface OutgoingRequest {
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
  readonly attemptTimeoutMs: number;
}

/** One backend's turn: an answer to hand on, or why the next one is tried. */
type Attempt =
  | { readonly answer: BackendAnswer; readonly status: number }
  | { readonly answer?: undefined; readonly status: number };

const TIMED_OUT = 408;
const BROKEN = 502;
// Beyond it nothing can be handed on: the Functions library, like fetch, refuses such a response.
const MAX_STATUS = 599;

/**
 * Calls the backends that serve the request, one after the other, until one gives an answer that is
 * the client's to have. Throws a `GatewayError` when none does. `signal` ends the search; once an
 * answer is there, its reader ends it by `discard`.
 */
export async function callBackends(
  services: Services,
  request: OutgoingRequest,
  signal: AbortSignal,
): Promise<BackendAnswer> {
  const { settings, rotation } = services;
  const matches = matchHosts(settings.hosts, request.target);
  if (matches.length === 0) {
    throw new GatewayError("no-route", "No backend serves this path.");
  }
  const headers = services.requestHeaders(request.headers);
  const statuses: number[] = [];
  let last: BackendAnswer | undefined;
  for (const match of rotation.order(matches).slice(0, settings.maxAttempts)) {
    last?.discard();
    signal.throwIfAborted();
    const attempt = await tryBackend(services, { ...request, headers, match }, signal);
    if (attempt.answer && isPassedOn(attempt.status)) return handOn(attempt.answer);
    last = attempt.answer;
    statuses.push(attempt.status);
  }
  return exhausted(statuses, last);
}

async function tryBackend(
  { backends, clock, rotation, emit }: Services,
  request: OutgoingRequest & { match: Match },
  signal: AbortSignal,
): Promise<Attempt> {
  const { match, id } = request;
  const startedAt = clock.now();
  // The limit is for the first byte: the deadline is disposed, and lets go, once the answer begins.
  using firstByte = createDeadline(clock, startedAt + request.attemptTimeoutMs, {
    reason: () => new GatewayError("backend-timeout", "The backend did not answer in time."),
    parent: signal,
  });
  const call = new AbortController();
  const onAbort = (): void => call.abort(firstByte.signal.reason);
  firstByte.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const answer = await backends.call({ ...request, ...match, signal: call.signal });
    if (answer.status > MAX_STATUS) {
      answer.discard();
      throw new Error(`The backend answered with the status ${answer.status}.`);
    }
    rotation.record(match.host.id, clock.now() - startedAt);
    return { answer, status: answer.status };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const status = firstByte.signal.aborted ? TIMED_OUT : BROKEN;
    emit(attemptFailed(id, { backend: match.host.id, status, error }));
    return { status };
  } finally {
    firstByte.signal.removeEventListener("abort", onAbort);
  }
}

function handOn(answer: BackendAnswer): BackendAnswer {
  return { ...answer, headers: responseHeaders(answer.headers), discard: () => answer.discard() };
}

/** Every backend had its turn. Where all agree the last answer is the client's, body and all. */
function exhausted(statuses: readonly number[], last: BackendAnswer | undefined): BackendAnswer {
  const status = exhaustedStatus(statuses);
  if (last && last.status === status) return handOn(last);
  last?.discard();
  if (status === TIMED_OUT) {
    throw new GatewayError("backend-timeout", "No backend answered in time.");
  }
  throw new GatewayError("backend-failed", "No backend was able to answer the request.");
}

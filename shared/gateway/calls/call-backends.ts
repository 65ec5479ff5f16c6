import type { BackendAnswer } from "../../backends/index.ts";
import type { PriorityClass } from "../../core/domain.ts";
import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { RouteFacts } from "../../core/http.ts";
import type { TraceContext } from "../../core/trace-context.ts";
import type { TripMemory } from "../../messaging/index.ts";
import { type DecisionReceipt, receiptHeader } from "../../routing/index.ts";
import { requestRouted } from "../../telemetry/index.ts";
import type { Services } from "../services.ts";
import { headersForClient } from "./attempt-headers.ts";
import type { UsingRequest } from "./call-usage.ts";
import { continueElsewhere } from "./continue-elsewhere.ts";
import { findAnswer } from "./find-answer.ts";
import { RequeueError } from "./requeue-error.ts";
import { RouteTrip } from "./route-trip.ts";

/** A request that is ready to be called: body whole, headers as the client sent them. */
export interface OutgoingRequest extends UsingRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly attemptTimeoutMs: number;
  /** Its class; the default class unless given. */
  readonly priority?: PriorityClass;
  /** Epoch milliseconds; now unless given. */
  readonly receivedAt?: number;
  /** Epoch milliseconds; never unless given. */
  readonly expiresAt?: number;
  /** Where in a trace it is called; absent where nobody traces. */
  readonly trace?: TraceContext | undefined;
  /** What earlier calls for the same request learned; whoever passes it tells of its end. */
  readonly trip?: RouteTrip;
  /** The answer is wanted whole, so that a body that breaks is tried elsewhere. */
  readonly whole?: boolean;
  /** Up to this size what is no stream is taken whole before anything of it is delivered. */
  readonly wholeBytes?: number;
  /** Whether the caller asked how the request was decided, and may know. */
  readonly showsReceipt?: boolean;
}

/** An answer, and what it took to get it. */
export type RoutedAnswer = BackendAnswer & RouteFacts & Required<Pick<UsingRequest, "usage">>;

/**
 * Calls the backends that may serve the request, one after the other, until one gives an answer that is
 * the client's to have. Throws a `GatewayError` when none does, and a `RequeueError` when one may do so
 * later. `signal` ends the search; once an answer is there, its reader ends it by `discard`.
 */
export async function callBackends(
  services: Services,
  asked: OutgoingRequest,
  signal: AbortSignal,
): Promise<RoutedAnswer> {
  const { usage = { current: undefined } } = asked;
  const request = asked.usage ? asked : { ...asked, usage };
  const trip = request.trip ?? tripOf(services, request);
  try {
    const found = await findAnswer(services, { request, trip, signal });
    const { candidate, called, isLast } = found;
    // What is taken whole has broken before it came here, or is not going to.
    const answer = request.whole
      ? found.answer
      : continueElsewhere(services, { request, trip }, found);
    const receipt = (): DecisionReceipt => trip.receipt(isLast ? "failed" : "answered");
    services.emit(requestRouted(receipt));
    const stripped = services.settings.transport.stripResponseHeaders;
    const headers = headersForClient(answer.headers, {
      stripped,
      receipt: request.showsReceipt ? receiptHeader(receipt()) : undefined,
      affinity: candidate && services.pool.affinityOf(candidate.host),
    });
    const { attemptCount, processMs } = trip;
    const backend = trip.attempts.at(-1)?.backend;
    const discard = (): void => answer.discard();
    const trailers = (): HeaderList => trailersForClient(answer, stripped);
    return {
      ...answer,
      headers,
      trailers,
      discard,
      attemptCount,
      processMs,
      backend,
      called,
      usage,
    };
  } catch (error) {
    trip.letGo();
    const isRequeued = error instanceof RequeueError;
    if (!isRequeued) services.emit(requestRouted(() => trip.receipt("failed")));
    else if (!request.trip) services.emit(requestRouted(() => trip.receipt("requeued")));
    throw error;
  }
}

/** Whatever is kept from clients before a body is kept from them behind it. */
const trailersForClient = ({ trailers }: BackendAnswer, stripped: readonly string[]): HeaderList =>
  headersForClient(trailers?.() ?? [], { stripped, receipt: undefined, affinity: undefined });

type Traveller = Pick<
  OutgoingRequest,
  "id" | "headers" | "priority" | "receivedAt" | "expiresAt" | "trace"
> & { readonly isPatient?: boolean };

/** The beginning of a request's way to a backend, or where it goes on when it comes out of a lane again. */
export function tripOf(
  { settings, clock }: Pick<Services, "settings" | "clock">,
  request: Traveller,
  memory?: TripMemory,
): RouteTrip {
  const nowMs = clock.now();
  const facts = {
    requestId: request.id,
    priority: request.priority ?? settings.priority.defaultClass,
    receivedAt: request.receivedAt ?? nowMs,
    expiresAt: request.expiresAt ?? Number.POSITIVE_INFINITY,
    affinity: headerValue(request.headers, "x-backend-affinity"),
    trace: request.trace,
    isPatient: request.isPatient ?? false,
  };
  return new RouteTrip(facts, { memory, nowMs });
}

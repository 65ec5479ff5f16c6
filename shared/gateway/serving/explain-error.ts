import { GatewayError } from "../../core/errors.ts";
import type { HeaderList } from "../../core/headers.ts";
import { receiptHeader } from "../../routing/index.ts";
import { headersOfRequest } from "../calls/attempt-headers.ts";
import type { RouteTrip } from "../calls/route-trip.ts";
import type { Services } from "../services.ts";

export interface FailedRoute {
  readonly trip: RouteTrip;
  /** Whether the caller may see how the request was decided, and asked for it. */
  readonly showsReceipt: boolean | undefined;
}

/** What was thrown; an error that becomes an answer tells what it took, as an answer would. */
export function explainError(
  { clock }: Pick<Services, "clock">,
  route: FailedRoute,
  thrown: unknown,
): unknown {
  if (!(thrown instanceof GatewayError)) return thrown;
  const { trip } = route;
  const { requestId, receivedAt } = trip.facts;
  const totalMs = clock.now() - receivedAt;
  const receipt = receiptOfFailure(route);
  return thrown.withHeaders([...headersOfRequest(requestId, trip, totalMs), ...receipt]);
}

/** The receipt of a request that failed, where its caller may have it. */
export function receiptOfFailure({ trip, showsReceipt }: FailedRoute): HeaderList {
  if (!showsReceipt) return [];
  return [["x-s7p-receipt", receiptHeader(trip.receipt("failed"))]];
}

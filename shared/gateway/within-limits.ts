import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse, RequestBody } from "../core/http.ts";
import {
  estimateTokens,
  type LimitBook,
  type LimitedSubject,
  type Reservation,
  rateLimitHeaders,
} from "../limits/index.ts";
import { UsageReader } from "../usage/index.ts";
import type { Recognised } from "./admit-request.ts";
import { endedEarly } from "./answer-body.ts";
import type { LimitLedger } from "./limit-ledger.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import type { Services } from "./services.ts";

/** What keeping limits needs. Scope: per instance. */
export interface LimitServices {
  readonly book: LimitBook;
  /** Tells the other instances; absent without storage, and limits then hold per instance. */
  readonly ledger: LimitLedger | undefined;
}

type Serve = (admitted: AdmittedRequest) => Promise<GatewayResponse>;

/**
 * Serves a request within its caller's limits and its group's: claimed before the call by an estimate,
 * settled by what was really used, given back when nothing was served.
 */
export async function withinLimits(
  services: Services,
  admitted: AdmittedRequest & Recognised,
  serve: Serve,
): Promise<GatewayResponse> {
  const subjects = subjectsOf(admitted);
  const [first] = subjects;
  if (!first) return serve(admitted);
  const { limits, clock } = services;
  limits.ledger?.start();
  const reservation = claim(services, subjects, admitted.body);
  try {
    const response = await serve({ ...admitted, reservation });
    const use = limits.book.find(first.id);
    const told = use ? rateLimitHeaders(first, use, clock.now()) : [];
    return settleAtEnd(
      services,
      { ...response, headers: [...response.headers, ...told] },
      reservation,
    );
  } catch (error) {
    reservation.release(clock.now());
    throw error;
  }
}

/**
 * The user's own limits first, then the group's; an entry of the group's name says what those are. Who
 * has no profile has the limits of the settings, under a name that no profile's clashes with.
 */
function subjectsOf({ caller, profile, policy }: Recognised): LimitedSubject[] {
  if (!profile) {
    const { limits } = policy.settings;
    const hasLimits = Object.keys(limits).length > 0;
    return hasLimits ? [{ id: `caller:${caller.userId}`, limits, isAnybody: true }] : [];
  }
  const group =
    profile.group === undefined ? undefined : policy.identity.findProfile(profile.group);
  return [
    { id: `user:${profile.id}`, limits: profile.limits },
    ...(group ? [{ id: `group:${group.id}`, limits: group.limits }] : []),
  ].filter(({ limits }) => Object.keys(limits).length > 0);
}

function claim(
  { limits, clock }: Services,
  subjects: readonly LimitedSubject[],
  body: RequestBody | undefined,
): Reservation {
  const now = clock.now();
  const result = limits.book.reserve(subjects, estimateTokens(body), now);
  if (result.admitted) return result.reservation;
  const { subject, limit, retryAfterMs } = result;
  const use = limits.book.find(subject.id);
  throw new GatewayError("limit-exceeded", `The limit ${limit} is used up.`, {
    retryAfterMs,
    headers: use ? rateLimitHeaders(subject, use, now) : [],
  });
}

/** The claim ends with the answer's last byte, however that comes about. */
function settleAtEnd(
  { clock }: Services,
  response: GatewayResponse,
  reservation: Reservation,
): GatewayResponse {
  const reader = new UsageReader(response.headers);
  const settleBy = async (isWhole: boolean): Promise<void> => {
    if (response.status >= 500) return reservation.release(clock.now());
    const { tokens } = await reader.end(isWhole);
    const used = tokens?.totalTokens ?? (response.status >= 400 ? 0 : undefined);
    reservation.settle(used, clock.now());
  };
  let settled: Promise<void> | undefined;
  const settle = (isWhole: boolean): Promise<void> => {
    settled ??= settleBy(isWhole);
    return settled;
  };
  const { body } = response;
  if (body === undefined || body instanceof Uint8Array) {
    if (body) reader.read(body);
    void settle(true);
    return response;
  }
  return { ...response, body: endedEarly(watched(body, reader, settle), () => void settle(false)) };
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  reader: UsageReader,
  settle: (isWhole: boolean) => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isWhole = false;
  try {
    for await (const chunk of body) {
      reader.read(chunk);
      yield chunk;
    }
    isWhole = true;
  } finally {
    await settle(isWhole);
  }
}

import { GatewayError } from "../core/errors.ts";
import type { GatewayResponse, RequestBody } from "../core/http.ts";
import {
  estimateTokens,
  type LimitBook,
  type LimitedSubject,
  type LimitTurns,
  type Reservation,
  rateLimitHeaders,
} from "../limits/index.ts";
import type { AnswerSlot } from "./answer-watch.ts";
import { followAnswer } from "./follow-answer.ts";
import type { LimitLedger } from "./limit-ledger.ts";
import type { Recognised } from "./recognise.ts";
import type { AdmittedRequest } from "./request-envelope.ts";
import type { RequestRecord } from "./request-record.ts";
import type { Services } from "./services.ts";

/** What keeping limits needs. Scope: per instance. */
export interface LimitServices {
  readonly book: LimitBook;
  /** When those come again that wait for a limit instead of being refused. */
  readonly turns: LimitTurns;
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
  { record, serve }: { record: RequestRecord; serve: Serve },
): Promise<GatewayResponse> {
  const subjects = limitedSubjects(admitted);
  const [first] = subjects;
  const usage: AnswerSlot = { current: undefined };
  if (!first) {
    const response = await serve({ ...admitted, usage });
    record.followed();
    return followAnswer(response, { slot: usage, clock: services.clock }, (end) =>
      record.ended(end),
    );
  }
  const { limits, clock } = services;
  limits.ledger?.start();
  const reservation = claim(services, subjects, admitted.body);
  try {
    const response = await serve({ ...admitted, reservation, usage });
    const use = limits.book.find(first.id);
    const told = use ? rateLimitHeaders(first, use, clock.now()) : [];
    record.followed();
    const headers = [...response.headers, ...told];
    return followAnswer({ ...response, headers }, { slot: usage, clock }, (end) => {
      const tokens = end.usage.tokens?.totalTokens;
      settleClaim(reservation, response, { tokens, nowMs: clock.now() });
      record.ended(end);
    });
  } catch (error) {
    reservation.release(clock.now());
    throw error;
  }
}

/**
 * The user's own limits first, then the group's; an entry of the group's name says what those are. Who
 * has no profile has the limits of the settings, under a name that no profile's clashes with.
 */
export function limitedSubjects({
  caller,
  profile,
  policy,
}: Pick<Recognised, "caller" | "profile" | "policy">): LimitedSubject[] {
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

/** What the request really used takes the place of its claim. */
export function settleClaim(
  reservation: Reservation,
  { status }: Pick<GatewayResponse, "status">,
  { tokens, nowMs }: { readonly tokens: number | undefined; readonly nowMs: number },
): void {
  if (status >= 500) reservation.release(nowMs);
  else reservation.settle(tokens ?? (status >= 400 ? 0 : undefined), nowMs);
}

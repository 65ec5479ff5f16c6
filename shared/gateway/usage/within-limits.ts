import { GatewayError } from "../../core/errors.ts";
import type { GatewayResponse, RequestBody } from "../../core/http.ts";
import {
  type AbandonedClaims,
  estimateTokens,
  type LimitBook,
  type LimitedSubject,
  type LimitTooSmall,
  type LimitTurns,
  type Reservation,
  rateLimitHeaders,
  type TokenEstimate,
  tooSmallLimit,
  withRateLimits,
} from "../../limits/index.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";
import type { Recognised } from "../entry/recognise.ts";
import type { AdmittedRequest } from "../entry/request-envelope.ts";
import type { RequestRecord } from "../entry/request-record.ts";
import type { Services } from "../services.ts";
import { followAnswer } from "./follow-answer.ts";
import type { LimitLedger } from "./limit-ledger.ts";

/** What keeping limits needs. Scope: per instance. */
export interface LimitServices {
  readonly book: LimitBook;
  /** When those come again that wait for a limit instead of being refused. */
  readonly turns: LimitTurns;
  /** What was given back to callers who left while their requests were in lanes. */
  readonly abandoned: AbandonedClaims;
  /** Tells the other instances; absent without storage, and limits then hold per instance. */
  readonly ledger: LimitLedger | undefined;
}

type Serve = (admitted: AdmittedRequest) => Promise<GatewayResponse>;

/**
 * Serves a request within its caller's limits and its group's: claimed before the call by an estimate,
 * settled by what was really used, given back when nothing was served. What its caller gave up while a
 * backend worked on it has cost its prompt: who asks and leaves in a loop would have a backend for nothing.
 */
export async function withinLimits(
  services: Services,
  admitted: AdmittedRequest & Recognised,
  { record, serve }: { record: RequestRecord; serve: Serve },
): Promise<GatewayResponse> {
  const subjects = limitedSubjects(admitted);
  const usage: AnswerSlot = { current: undefined };
  if (subjects.length === 0) {
    const response = await serve({ ...admitted, usage });
    record.followed();
    return followAnswer(response, { slot: usage, clock: services.clock }, (end) =>
      record.ended(end),
    );
  }
  const { limits, clock } = services;
  limits.ledger?.start();
  const reservation = await claim(services, subjects, admitted.body);
  try {
    const response = await serve({ ...admitted, reservation, usage });
    const own = rateLimitHeaders(subjects, limits.book, clock.now());
    record.followed();
    const headers = withRateLimits(response.headers, own);
    return followAnswer({ ...response, headers }, { slot: usage, clock }, (end) => {
      const tokens = end.usage.tokens?.totalTokens;
      settleClaim(reservation, response, { tokens, nowMs: clock.now() });
      record.ended(end);
    });
  } catch (error) {
    giveBack(reservation, usage, clock.now());
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

async function claim(
  { limits, clock }: Services,
  subjects: readonly LimitedSubject[],
  body: RequestBody | undefined,
): Promise<Reservation> {
  const estimate = estimateTokens(body);
  const never = tooSmallLimit(subjects, estimate.total);
  if (never) throw tooSmall(never, estimate);
  const now = clock.now();
  const result = limits.book.reserve(subjects, estimate, now);
  if (result.admitted) return result.reservation;
  const { limit, retryAfterMs, subject } = result;
  const whose = subject.id.slice(0, subject.id.indexOf(":"));
  const detail = `The ${whose}'s limit ${limit} of ${subject.limits[limit]} is used up.`;
  throw new GatewayError("limit-exceeded", detail, {
    retryAfterMs,
    headers: rateLimitHeaders(subjects, limits.book, now),
  });
}

/** Refuses what would be refused for ever: no word of a retry, or clients would go on asking. */
export const tooSmall = (
  { limit, most }: LimitTooSmall,
  { prompt, total }: TokenEstimate,
): GatewayError =>
  new GatewayError(
    "limit-too-small",
    `The limit ${limit} has room for ${most} tokens, and the request alone is estimated at ${total}: ` +
      `${prompt} of its prompt, the rest of the longest answer that it allows.`,
  );

/** Ends a claim for which there is no answer. */
export function giveBack(
  reservation: Reservation,
  { isCutOff = false }: AnswerSlot,
  nowMs: number,
): void {
  if (isCutOff) reservation.cutOff(nowMs);
  else reservation.release(nowMs);
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

import { ERRORS } from "../core/errors.ts";
import type { LineEnd } from "../jobs/index.ts";
import { estimateTokens, isNeverAdmitted, type Reservation } from "../limits/index.ts";
import type { OutgoingRequest } from "./call-backends.ts";
import type { LaneRun } from "./run-lane-message.ts";
import { limitedSubjects } from "./within-limits.ts";

/** What comes of a line's claim on its caller's limits. */
export type LineClaim =
  /** Absent where no limits apply. */
  | { readonly reservation: Reservation | undefined }
  /** Epoch milliseconds at which there may be room. */
  | { readonly againAt: number }
  | { readonly end: LineEnd };

/**
 * Claims a line's part of its caller's limits, as they are now and not as they were when the batch came.
 * A line whose caller has none left waits for its turn; one that would never have room is refused.
 */
export function claimLine(
  { services, envelope }: LaneRun,
  { body }: Pick<OutgoingRequest, "body">,
): LineClaim {
  const { limits, policy, clock } = services;
  if (!policy.isAvailable) return { reservation: undefined };
  const current = policy.current();
  const { userId, groupId, profileId } = envelope;
  const profile = profileId === undefined ? undefined : current.identity.findProfile(profileId);
  const caller = { userId, ...(groupId === undefined ? {} : { groupId }) };
  const subjects = limitedSubjects({ caller, profile, policy: current });
  if (subjects.length === 0) return { reservation: undefined };
  limits.ledger?.start();
  const tokens = estimateTokens(body);
  if (subjects.some((subject) => isNeverAdmitted(subject, tokens))) {
    return { end: { error: { code: "limit-exceeded", message: ERRORS["limit-exceeded"].title } } };
  }
  const now = clock.now();
  const claim = limits.book.reserve(subjects, tokens, now);
  if (!claim.admitted) return { againAt: limits.turns.book(claim, tokens, now) };
  // It has a worker already: it waits for nothing.
  claim.reservation.started();
  return { reservation: claim.reservation };
}

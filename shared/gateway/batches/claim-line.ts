import type { LineEnd } from "../../jobs/index.ts";
import { estimateTokens, type Reservation, tooSmallLimit } from "../../limits/index.ts";
import type { OutgoingRequest } from "../calls/call-backends.ts";
import type { LaneRun } from "../lanes/lane-run.ts";
import { limitedSubjects, tooSmall } from "../usage/within-limits.ts";

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
export async function claimLine(
  { services, envelope }: LaneRun,
  { body }: Pick<OutgoingRequest, "body">,
): Promise<LineClaim> {
  const { limits, policy, clock } = services;
  if (!policy.isAvailable) return { reservation: undefined };
  const current = policy.current();
  const { userId, groupId, profileId } = envelope;
  const profile = profileId === undefined ? undefined : current.identity.findProfile(profileId);
  const caller = { userId, ...(groupId === undefined ? {} : { groupId }) };
  const subjects = limitedSubjects({ caller, profile, policy: current });
  if (subjects.length === 0) return { reservation: undefined };
  limits.ledger?.start();
  const estimate = estimateTokens(body);
  const never = tooSmallLimit(subjects, estimate.total);
  if (never) {
    const { code, message } = tooSmall(never, estimate);
    return { end: { error: { code, message } } };
  }
  const now = clock.now();
  const claim = limits.book.reserve(subjects, estimate, now);
  if (!claim.admitted) return { againAt: limits.turns.book(claim, estimate.total, now) };
  // It has a worker already: it waits for nothing.
  claim.reservation.started();
  return { reservation: claim.reservation };
}

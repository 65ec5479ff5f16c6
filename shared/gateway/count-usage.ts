import { fromUsageMessage } from "../ledger/index.ts";
import { usageCounted, usageSweepFailed, usageSwept, usageUncounted } from "../telemetry/index.ts";
import type { Services } from "./services.ts";

type Counting = Pick<Services, "usage" | "clock" | "emit" | "stopping">;

const DAY_MS = 86_400_000;
// A message lives for seven days in its queue, and may lie among the poison for longer.
const MARKER_KEPT_DAYS = 30;
// An event counts to its own day, however late it comes: markers are looked for in a week of days.
const SWEPT_DAYS = 8;

/** Counts the events of one message. Throws when it cannot: the message comes again, and counts nothing twice. */
export async function countUsage(
  { usage, emit, clock }: Pick<Counting, "usage" | "emit" | "clock">,
  message: unknown,
): Promise<void> {
  try {
    const told = fromUsageMessage(message);
    await usage.ledger?.record(told);
    const { events } = told;
    const oldestAt = Math.min(...events.map(({ endedAt }) => endedAt));
    emit(usageCounted({ events: events.length, lagMs: Math.max(0, clock.now() - oldestAt) }));
  } catch (error) {
    emit(usageUncounted(error));
    throw error;
  }
}

/** Removes the markers of events that can no longer come again; what it leaves is for the next time. */
export async function sweepUsage({ usage, clock, emit, stopping }: Counting): Promise<void> {
  const madeBefore = clock.now() - MARKER_KEPT_DAYS * DAY_MS;
  const span = {
    fromAt: madeBefore - SWEPT_DAYS * DAY_MS,
    beforeAt: madeBefore + DAY_MS,
    madeBefore,
    signal: stopping,
  };
  try {
    const removed = (await usage.ledger?.forgetMarkers(span)) ?? 0;
    if (removed > 0) emit(usageSwept(removed));
  } catch (error) {
    emit(usageSweepFailed(error));
  }
}

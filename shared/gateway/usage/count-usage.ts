import { elapsedMs } from "../../core/clock.ts";
import { fromUsageMessage } from "../../ledger/index.ts";
import {
  usageCounted,
  usagePoisoned,
  usageSweepFailed,
  usageSwept,
  usageUncounted,
} from "../../telemetry/index.ts";
import type { Services } from "../services.ts";

type Counting = Pick<Services, "usage" | "settings" | "clock" | "emit" | "stopping">;

const DAY_MS = 86_400_000;
// A message lives for seven days in its queue, and may lie among the poison for longer.
const MARKER_KEPT_DAYS = 30;
// An event counts to its own day, however late it comes: markers are looked for in a week of days.
const SWEPT_DAYS = 8;
// A hundred thousand users' days, which is many times what a day adds.
const MAX_SWEEP_MS = 1_800_000;

/**
 * Counts the events of one message. Throws when it cannot now: the message comes again, and counts nothing
 * twice. What can never be counted is put aside for operators, and keeps nothing else from being counted.
 */
export async function countUsage(
  { usage, emit, clock }: Pick<Counting, "usage" | "emit" | "clock">,
  message: unknown,
): Promise<void> {
  try {
    const { told, poison } = fromUsageMessage(message);
    const events = told.sums.reduce((sum, row) => sum + row.events, told.events.length);
    if (events > 0) {
      await usage.ledger?.record(told);
      emit(usageCounted({ events, lagMs: elapsedMs(clock, told.oldestAt) }));
    }
    if (!poison) return;
    await usage.poison?.send(poison.text);
    emit(usagePoisoned(poison.problem));
  } catch (error) {
    emit(usageUncounted(error));
    throw error;
  }
}

/**
 * Removes the markers of events that can no longer come again, and the days that need not be kept any
 * longer; what it leaves is for the next time.
 */
export async function sweepUsage(counting: Counting): Promise<void> {
  const { usage, settings, clock, emit, stopping } = counting;
  const nowMs = clock.now();
  const madeBefore = nowMs - MARKER_KEPT_DAYS * DAY_MS;
  const span = {
    fromAt: madeBefore - SWEPT_DAYS * DAY_MS,
    beforeAt: madeBefore + DAY_MS,
    madeBefore,
    signal: stopping,
  };
  try {
    const markers = (await usage.ledger?.forgetMarkers(span)) ?? 0;
    const days = {
      beforeAt: nowMs - settings.usage.retentionMs,
      endAt: clock.now() + MAX_SWEEP_MS,
      signal: stopping,
    };
    const rows = (await usage.ledger?.forgetDays(days)) ?? 0;
    if (markers + rows > 0) emit(usageSwept({ markers, rows }));
  } catch (error) {
    emit(usageSweepFailed(error));
  }
}

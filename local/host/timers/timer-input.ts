import type { RpcTypedData } from "../core/core-types.ts";
import type { ScheduleStatus } from "./timer-store.ts";

// The .NET default of a date, which stands for "never".
const NEVER = "0001-01-01T00:00:00";

/** What a timer function receives; the library turns the names into camel case. */
export function timerInput(status: ScheduleStatus | undefined, isPastDue: boolean): RpcTypedData {
  return {
    json: JSON.stringify({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: status
        ? {
            Last: dateText(status.lastAt),
            Next: dateText(status.nextAt),
            LastUpdated: dateText(status.lastUpdatedAt),
          }
        : null,
      IsPastDue: isPastDue,
    }),
  };
}

const dateText = (at: number | undefined): string =>
  at === undefined ? NEVER : new Date(at).toISOString().replace("Z", "+00:00");

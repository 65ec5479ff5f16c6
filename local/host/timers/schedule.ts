import { Cron } from "croner";
import { parseTimeSpanMs } from "../config/time-span.ts";

/** When a timer is due. */
export interface Schedule {
  /** The first occurrence after `afterAt`; undefined when there is none. */
  nextAt(afterAt: number): number | undefined;
}

const FIELDS = [
  { name: "second", max: 59 },
  { name: "minute", max: 59 },
  { name: "hour", max: 23 },
  { name: "day", max: 31 },
  { name: "month", max: 12 },
  { name: "day of week", max: 6 },
];
const ITEM = /^(\*|[a-z]{3}|\d+)(?:-([a-z]{3}|\d+))?(?:\/(\d+))?$/i;

/**
 * Reads a timer's schedule: NCRONTAB with six fields (or five, without seconds) in UTC, or a time
 * span for a constant interval. Throws an error that says what is wrong.
 */
export function parseSchedule(text: string): Schedule {
  const intervalMs = parseTimeSpanMs(text);
  if (intervalMs !== undefined) return everyInterval(intervalMs, text);
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    throw new Error(`"${text}" is neither NCRONTAB (6 or 5 fields) nor a time span`);
  }
  const complete = fields.length === 5 ? ["0", ...fields] : fields;
  const pattern = complete.map((field, index) => toCronField(field, index)).join(" ");
  // NCRONTAB wants day and day of week both to match; cron's habit is one of them.
  const cron = new Cron(pattern, {
    paused: true,
    timezone: "UTC",
    mode: "6-part",
    domAndDow: true,
  });
  return { nextAt: (afterAt) => cron.nextRun(new Date(afterAt))?.getTime() };
}

function everyInterval(intervalMs: number, text: string): Schedule {
  if (intervalMs <= 0) throw new Error(`the interval "${text}" is not positive`);
  return { nextAt: (afterAt) => afterAt + intervalMs };
}

// The common cron dialect knows more (L, W, #, ?) than the platform: those must not pass here.
function toCronField(field: string, index: number): string {
  const { name, max } = FIELDS[index] ?? { name: "field", max: 0 };
  return field
    .split(",")
    .map((item) => {
      const match = ITEM.exec(item);
      if (!match) throw new Error(`"${item}" is not valid NCRONTAB for the ${name}`);
      const [, from, to, step] = match;
      const isOpenRange = step !== undefined && to === undefined && from !== "*";
      return isOpenRange ? `${from}-${max}/${step}` : item;
    })
    .join(",");
}

import { firstEvent, type JobRecord, type StatusEvent } from "../../jobs/index.ts";
import { fromLongText, type Table } from "../../storage/index.ts";
import {
  EVENT_ROW,
  eventRow,
  type LoggedJob,
  loggedJob,
  numbered,
} from "../jobs/job-event-rows.ts";

const GONE_ROW = "eventgone-";
const SENT_ROW = "eventsent-";
// "event" and all that begins with it, and nothing else of a job's partition.
const LOG_ROWS = { from: "event", before: "evenu" };

/** A job's log as it was read. */
export interface JobLog {
  readonly job: LoggedJob;
  readonly events: readonly StatusEvent[];
  /** Number of the last event that went out on a channel, 0 when none did. */
  sentOn(channel: string): number;
  /** Whether a webhook of the job, by its place among them, wants no more events. */
  isGone(target: number): boolean;
}

/**
 * The events of each job as rows of its partition, only ever inserted: `event-0001` and so on without
 * a gap, so that whoever loses the race for a number reads the log again. `eventsent-CHANNEL-0003`
 * says that event 3 and all before it went out. What it holds is global.
 */
export class JobEventLog {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** The log of a job; undefined while it has no event. */
  async read(jobId: string): Promise<JobLog | undefined> {
    const rows = await this.#table.readRange(jobId, LOG_ROWS);
    const events = rows.filter(({ rowKey = "" }) => rowKey.startsWith(EVENT_ROW));
    const [first] = events;
    if (!first) return undefined;
    const { job } = fromLongText<{ job: LoggedJob }>(first);
    const keys = rows.map(({ rowKey = "" }) => rowKey);
    return {
      job,
      events: events.map((row) => fromLongText<{ event: StatusEvent }>(row).event),
      isGone: (target) => keys.includes(`${GONE_ROW}${target}`),
      sentOn: (channel) => lastNumber(keys, `${SENT_ROW}${channel}-`),
    };
  }

  /** Inserts an event; false when its number is taken. */
  append(jobId: string, event: StatusEvent): Promise<boolean> {
    return this.#table.insert(eventRow(jobId, numbered(EVENT_ROW, event.sequence), { event }));
  }

  async markGone(jobId: string, target: number): Promise<void> {
    await this.#table.insert(eventRow(jobId, `${GONE_ROW}${target}`, {}));
  }

  async markSent(jobId: string, channel: string, sequence: number): Promise<void> {
    await this.#table.insert(eventRow(jobId, numbered(`${SENT_ROW}${channel}-`, sequence), {}));
  }
}

/** A job's log as it is when the job has just been stored. */
export const newLog = (job: JobRecord): JobLog => ({
  job: loggedJob(job),
  events: [firstEvent(job)],
  isGone: () => false,
  sentOn: () => 0,
});

function lastNumber(keys: readonly string[], prefix: string): number {
  const last = keys.findLast((key) => key.startsWith(prefix));
  return last === undefined ? 0 : Number(last.slice(prefix.length));
}

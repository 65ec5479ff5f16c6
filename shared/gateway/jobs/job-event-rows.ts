import { firstEvent, type JobRecord, type NotifyTargets } from "../../jobs/index.ts";
import { toLongText } from "../../storage/index.ts";

/** With what the key of an event's row begins; its number follows. */
export const EVENT_ROW = "event-";

/** What the log's first row keeps of the job, so that nobody has to read the whole job again. */
export interface LoggedJob {
  readonly id: string;
  readonly owner: string;
  readonly targets: NotifyTargets;
}

/** What the log of a job keeps of it. */
export const loggedJob = ({ id, owner, notify }: JobRecord): LoggedJob => ({
  id,
  owner,
  targets: notify ?? {},
});

/** The row that opens a job's log: it is stored with the job, or not at all. */
export function firstEventRow(job: JobRecord) {
  const event = firstEvent(job);
  return eventRow(job.id, numbered(EVENT_ROW, event.sequence), { job: loggedJob(job), event });
}

/** A key with a number. Four digits keep the rows of a log in the order of its events. */
export const numbered = (prefix: string, sequence: number): string =>
  `${prefix}${String(sequence).padStart(4, "0")}`;

/** A row of a job's log. */
export const eventRow = (partitionKey: string, rowKey: string, value: object) => ({
  partitionKey,
  rowKey,
  ...toLongText(value),
});

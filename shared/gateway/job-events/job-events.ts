import { type Clock, delay } from "../../core/clock.ts";
import {
  isFinalEvent,
  type JobRecord,
  type JobStore,
  nextEvent,
  type StatusChange,
  type StatusEvent,
} from "../../jobs/index.ts";
import { type Emit, jobEventFailed } from "../../telemetry/index.ts";
import { type LoggedJob, loggedJob } from "../jobs/job-event-rows.ts";
import { type JobEventLog, type JobLog, newLog } from "./job-event-log.ts";

/** A way by which events leave: each job's go in order, each at least once, and it drops repetitions. */
export interface EventChannel {
  /** Part of row keys: it never changes. */
  readonly name: string;
  concerns(job: LoggedJob): boolean;
  send(job: LoggedJob, event: StatusEvent): Promise<void>;
}

export interface JobEventsOptions {
  readonly log: JobEventLog;
  readonly store: Pick<JobStore, "read">;
  readonly channels: readonly EventChannel[];
  readonly clock: Clock;
  readonly emit: Emit;
  /** Told of each job whose log has grown, for those who follow it. */
  readonly onEvent?: (jobId: string) => void;
}

// Whoever announces goes on after this; what it began goes on by itself, or is left to `settle`.
const PATIENCE_MS = 5000;
// Well within the shortest window in which a topic knows repetitions: what is older is read anew.
const FRESH_MS = 60_000;

/**
 * Tells the world what happens to jobs. An event is a row first; then whoever wrote it sends all rows
 * that nobody has sent, in order, and notes how far it came. A process that dies in between leaves the
 * rest to the next one, last of all to the job's orchestrator. Scope: per instance.
 */
export class JobEvents {
  readonly #options: JobEventsOptions;

  constructor(options: JobEventsOptions) {
    this.#options = options;
  }

  /**
   * Notes a change of a job's state and tells it. Idempotent, and never rejects: telling must neither
   * fail nor hold up a job.
   */
  announce(jobId: string, change: StatusChange): Promise<void> {
    return this.#tell({ jobId, change }, () => this.#note(jobId, change));
  }

  /** Whether anybody wants to be told of a job, besides those who follow its log. */
  concerns(job: JobRecord): boolean {
    return this.#options.channels.some((channel) => channel.concerns(loggedJob(job)));
  }

  /** Tells of a job that was just stored: its log is known, and nothing of it was told. */
  announceNew(job: JobRecord): Promise<void> {
    this.#options.onEvent?.(job.id);
    if (!this.concerns(job)) return Promise.resolve();
    return this.#tell({ jobId: job.id, change: { kind: "queued" } }, async () => newLog(job));
  }

  /**
   * Brings a job's log to its end if the job has ended, and sends what is left. True when nothing is:
   * then nothing will ever follow.
   */
  async settle(jobId: string): Promise<boolean> {
    const { log, store } = this.#options;
    const known = await log.read(jobId);
    if (known && isEnded(known)) return this.#send(known);
    const snapshot = await store.read(jobId);
    if (!snapshot) return true;
    const { outcome } = snapshot;
    const grown = await this.#note(
      jobId,
      outcome ? { kind: "ended", outcome } : { kind: "queued" },
    );
    return grown ? (await this.#send(grown)) && isEnded(grown) : true;
  }

  async #tell(
    { jobId, change }: { readonly jobId: string; readonly change: StatusChange },
    note: () => Promise<JobLog | undefined>,
  ): Promise<void> {
    const { clock, emit } = this.#options;
    const over = new AbortController();
    const telling = note()
      .then((log) => log && this.#send(log))
      .catch((error: unknown) => emit(jobEventFailed({ jobId, change: change.kind }, error)));
    const patience = delay(clock, PATIENCE_MS, over.signal).catch(() => {});
    await Promise.race([telling, patience]);
    over.abort();
  }

  /** Adds what a change adds to the log; undefined for a job that never was. */
  async #note(jobId: string, change: StatusChange): Promise<JobLog | undefined> {
    const { log, clock } = this.#options;
    let known = await log.read(jobId);
    for (;;) {
      const event = known && nextEvent(known.events, change, clock.now());
      if (!known || !event) return known;
      if (await log.append(jobId, event)) {
        this.#options.onEvent?.(jobId);
        known = { ...known, events: [...known.events, event] };
      } else {
        // Whoever was first with this number may have said something else: read, and think again.
        known = await log.read(jobId);
      }
    }
  }

  async #send(log: JobLog): Promise<boolean> {
    const readAt = this.#options.clock.now();
    const channels = this.#options.channels.filter((channel) => channel.concerns(log.job));
    const done = await Promise.all(channels.map((channel) => this.#drain(channel, log, readAt)));
    return done.every((isDone) => isDone);
  }

  async #drain(channel: EventChannel, log: JobLog, readAt: number): Promise<boolean> {
    const { clock, emit } = this.#options;
    const { job, events } = log;
    const before = log.sentOn(channel.name);
    let sent = before;
    try {
      for (const event of events.slice(before)) {
        if (clock.now() - readAt > FRESH_MS) return false;
        await channel.send(job, event);
        sent = event.sequence;
      }
      return true;
    } catch (error) {
      emit(jobEventFailed({ jobId: job.id, channel: channel.name }, error));
      return false;
    } finally {
      if (sent > before) await this.#options.log.markSent(job.id, channel.name, sent);
    }
  }
}

function isEnded({ events }: JobLog): boolean {
  const last = events.at(-1);
  return last !== undefined && isFinalEvent(last);
}

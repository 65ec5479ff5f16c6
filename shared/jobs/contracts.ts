import type { BatchEngineInput } from "./batch.ts";
import type {
  AttemptEnd,
  FinalState,
  JobLease,
  JobOutcome,
  JobRecord,
  JobSnapshot,
  JobTurn,
  JobWait,
} from "./job.ts";
import type { JobEngineInput, JobSignal } from "./job-run.ts";
import type { ProviderWork } from "./provider-work.ts";

/** A first attempt that runs, in the process that makes a job of its request. */
export interface RunningAttempt {
  readonly startedAt: number;
  readonly lease: JobLease;
}

/** Where jobs are kept: the truth that survives every process. Scope of what it holds: global. */
export interface JobStore {
  /**
   * Stores a job, with how its first attempt runs where it does. Returns false when the request was
   * answered already, is a job already, or was given up as one.
   */
  insert(job: JobRecord, running?: RunningAttempt): Promise<boolean>;
  /**
   * Gives up a job that nobody has stored, so that it can no more be stored under an engine that goes;
   * false when it is a job after all.
   */
  giveUp(jobId: string, givenUpAt: number): Promise<boolean>;
  /** By which mark a job was given up; undefined when it was not. */
  givenUp(jobId: string): Promise<string | undefined>;
  /** Lets a job be stored that was given up, unless it has been given up again since that mark. */
  takeUp(jobId: string, mark: string): Promise<void>;
  /** Notes that a request was answered, so that it becomes no job; false when it is a job already. */
  noteAnswered(requestId: string, answeredAt: number): Promise<boolean>;
  /** Lets go of the note that a request was answered, once nobody can make a job of it any more. */
  forgetAnswered(requestId: string): Promise<void>;
  /** Whether a request is a job by now: one row. */
  isPromoted(requestId: string): Promise<boolean>;
  read(jobId: string): Promise<JobSnapshot | undefined>;
  /** Takes the turn to run an attempt, again at a redelivery; false when the turn was moved away. */
  recordStart(jobId: string, turn: JobTurn, startedAt: number): Promise<boolean>;
  /** Makes the message of a turn void, for one in the lane of another class; false when it has begun. */
  move(jobId: string, turn: JobTurn, priority: number): Promise<boolean>;
  /** Notes that an attempt ended and is to be repeated; the first note of an attempt stands. */
  recordRetry(jobId: string, attempt: number, end: AttemptEnd): Promise<void>;
  /** Notes that a provider has taken an attempt's work over; returns the note that stands. */
  recordHandOver(jobId: string, work: ProviderWork): Promise<ProviderWork>;
  /** What the worker of an attempt said, or would say, to the orchestrator; undefined while it runs. */
  signalOf(jobId: string, attempt: number): Promise<JobSignal | undefined>;
  /** Inserts the outcome unless there is one; returns the one that stands. */
  commitOutcome(jobId: string, outcome: JobOutcome): Promise<JobOutcome>;
  /** Takes it on to enter a job's end into the records; false when somebody has. */
  takeAccount(jobId: string): Promise<boolean>;
  /** Whether the job has ended: one row, for those who ask often. */
  hasEnded(jobId: string): Promise<boolean>;
  /** Says that an attempt that runs in process is alive. */
  renewLease(jobId: string, lease: JobLease): Promise<void>;
  /** Says until when an attempt waits for its backends, for those who ask. */
  noteWait(jobId: string, wait: JobWait): Promise<void>;
  /** Jobs of an owner, newest first, by what is known of them without reading each. */
  list(owner: string, range: JobListRange): Promise<readonly JobListing[]>;
  /** Keeps what a listing shows of a job that has ended, so that it need not be read again. */
  noteListed(job: Pick<JobRecord, "id" | "owner" | "createdAt">, state: FinalState): Promise<void>;
  /** Forgets the job. */
  remove(jobId: string): Promise<void>;
}

/**
 * The files of an outcome, for callers who look for them in a place of their own. They are readable
 * before the outcome is announced, and once it is, they never change.
 */
export interface OutcomeFiles {
  /** Puts the files in place; returns the outcome to announce, which is another's where that was first. */
  prepare(job: JobRecord, outcome: JobOutcome): Promise<JobOutcome>;
  /** Clears away what nobody needs now that the outcome stands. */
  settle(outcome: JobOutcome): Promise<void>;
}

/** A part of an owner's jobs. Times are epoch milliseconds. */
export interface JobListRange {
  readonly createdAfter: number | undefined;
  readonly createdBefore: number | undefined;
  /** The place of the last job that was listed; the list goes on behind it. */
  readonly behind: string | undefined;
  readonly atMost: number;
}

/** A job as a list knows it. */
export interface JobListing {
  readonly jobId: string;
  /** Where in its owner's list it stands. */
  readonly place: string;
  /** How it ended, where that was noted. */
  readonly state: FinalState | undefined;
}

/** The durable engine that owns a job's course. */
export interface JobEngine {
  /** Returns false when the job has one already that has not ended. */
  start(jobId: string, input: JobEngineInput | BatchEngineInput): Promise<boolean>;
  /** Tells a waiting orchestrator; losing the signal delays a job but never loses it. */
  signal(jobId: string, signal: JobSignal): Promise<void>;
}

/** The engine's list of the jobs that have ended, by which they are found when their time is over. */
export interface JobArchive {
  /** Ids of jobs that ended before a time in epoch milliseconds. */
  endedBefore(epochMs: number): Promise<readonly string[]>;
  /** Takes a job off the list. */
  purge(jobId: string): Promise<void>;
}

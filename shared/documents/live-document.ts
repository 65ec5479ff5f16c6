import type { Cancel, Clock } from "../core/clock.ts";
import { createDeadline } from "../core/deadline.ts";
import type { Random } from "../core/domain.ts";
import { untilAborted } from "../core/until-aborted.ts";
import type { Emit } from "../telemetry/index.ts";
import {
  documentLoaded,
  documentLoadFailed,
  documentRecovered,
  documentRejected,
} from "./document-events.ts";
import type { DocumentReader, ReadDocument } from "./document-reader.ts";
import { DocumentError } from "./document-source.ts";
import {
  afterFailed,
  afterLoaded,
  afterRejected,
  afterUnchanged,
  type DocumentState,
  type DocumentStatus,
  lastErrorOf,
  UNKNOWN_DOCUMENT,
} from "./document-state.ts";

/** What stands in until the first good load: nothing where the document is required. */
export type Presence<Value> =
  | { readonly required: true }
  | { readonly required: false; readonly initial: Value };

export interface LiveDocumentOptions<Value> {
  /** The document's name in status and events. */
  readonly name: string;
  readonly reader: DocumentReader<Value>;
  readonly presence: Presence<Value>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: Emit;
  /** Ends all loading and waiting. */
  readonly signal: AbortSignal;
  /** The longest time between two loads, in milliseconds; a change is in force within it. */
  readonly intervalMs?: number;
  /** How long one load may take, in milliseconds. */
  readonly deadlineMs?: number;
}

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_DEADLINE_MS = 10_000;
// The original's delay after a failed load; it doubles up to the interval while the source is away.
const FIRST_RETRY_MS = 3000;
// Jitter only shortens: instances spread out, and the interval stays a promise.
const JITTER = 0.2;

/**
 * A document that follows its source: loaded at start, on an interval and on demand, each time as a
 * whole; what cannot be loaded or is wrong leaves the last good value in force. Scope: per instance.
 */
export class LiveDocument<Value> {
  readonly #options: Required<LiveDocumentOptions<Value>>;
  readonly #listeners = new Set<() => void>();
  #state: DocumentState<Value> = UNKNOWN_DOCUMENT;
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #cancelTimer: Cancel | undefined;

  constructor(options: LiveDocumentOptions<Value>) {
    this.#options = {
      intervalMs: DEFAULT_INTERVAL_MS,
      deadlineMs: DEFAULT_DEADLINE_MS,
      ...options,
    };
    options.signal.addEventListener("abort", () => this.#cancelTimer?.(), { once: true });
  }

  /** Whether there is a {@link value}: a required document has none before its first good load. */
  get isAvailable(): boolean {
    return this.#state.loaded !== undefined || !this.#options.presence.required;
  }

  /** The value in force: the last good one, else the initial one of an optional document. */
  get value(): Value | undefined {
    const { presence } = this.#options;
    if (this.#state.loaded) return this.#state.loaded.value;
    return presence.required ? undefined : presence.initial;
  }

  /**
   * Loads for the first time and goes on loading. Resolves when the first load is over, within its
   * deadline, whatever came of it; calling it again waits for the same load.
   */
  start(): Promise<void> {
    this.#started ??= this.refresh();
    return this.#started;
  }

  /** Loads now, with what the source has from this moment on; never fails, {@link status} tells. */
  refresh(): Promise<void> {
    if (this.#options.signal.aborted) return Promise.resolve();
    if (!this.#running) return this.#run();
    // The running load may have read before the change that the caller knows of.
    this.#queued ??= this.#running.then(() => {
      this.#queued = undefined;
      return this.refresh();
    });
    return this.#queued;
  }

  /** Calls `listener`, which must not throw, after each change of the value; returns the way out. */
  subscribe(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): DocumentStatus {
    const { name, reader, clock, intervalMs, deadlineMs } = this.#options;
    const { loaded, confirmedAt, problems, failures } = this.#state;
    const ageMs = confirmedAt === undefined ? undefined : clock.now() - confirmedAt;
    const lastError = lastErrorOf(this.#state);
    return {
      name,
      source: reader.kind,
      loadedAt: loaded?.loadedAt,
      ageMs,
      version: loaded?.version,
      lastError,
      problems,
      warnings: loaded?.warnings ?? [],
      failures,
      // An instance that slept through its timer has no error, and yet knows nothing of the present.
      isStale:
        lastError !== undefined || ageMs === undefined || ageMs > 2 * intervalMs + deadlineMs,
    };
  }

  #run(): Promise<void> {
    this.#cancelTimer?.();
    this.#running = this.#load().finally(() => {
      this.#running = undefined;
      this.#arm();
    });
    return this.#running;
  }

  #arm(): void {
    const { clock, random, signal, intervalMs } = this.#options;
    if (signal.aborted) return;
    const { failures } = this.#state;
    const retryMs = failures === 0 ? intervalMs : FIRST_RETRY_MS * 2 ** (failures - 1);
    const delayMs = Math.min(intervalMs, retryMs) * (1 - JITTER * random());
    this.#cancelTimer = clock.schedule(delayMs, () => void this.refresh());
  }

  async #load(): Promise<void> {
    const { reader, clock, signal, deadlineMs } = this.#options;
    const startedAt = clock.now();
    using deadline = createDeadline(clock, startedAt + deadlineMs, {
      reason: () => new DocumentError(`the document was not loaded within ${deadlineMs} ms`),
      parent: signal,
    });
    try {
      const reading = reader.read(this.#state.seenVersion, deadline.signal);
      const outcome = await untilAborted(reading, deadline.signal);
      this.#accept(outcome, startedAt);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #accept(outcome: ReadDocument<Value>, startedAt: number): void {
    const { name, reader, clock, emit } = this.#options;
    const source = reader.kind;
    const now = clock.now();
    const { failures } = this.#state;
    if (!outcome.changed) {
      this.#state = afterUnchanged(this.#state, now);
      if (failures > 0) emit(documentRecovered({ document: name, source, failures }));
      return;
    }
    const { version, parsed } = outcome;
    if (!parsed.ok) {
      const { problems } = parsed;
      this.#state = afterRejected(this.#state, version, problems);
      const { ageMs } = this.status();
      emit(documentRejected({ document: name, source, version, problems, ageMs }));
      return;
    }
    const { value, warnings } = parsed;
    this.#state = afterLoaded({ value, version, warnings, loadedAt: now });
    emit(
      documentLoaded({ document: name, source, version, warnings, durationMs: now - startedAt }),
    );
    for (const listener of this.#listeners) listener();
  }

  #fail(error: unknown): void {
    const { name, reader, emit } = this.#options;
    this.#state = afterFailed(this.#state, messageOf(error));
    const { failures } = this.#state;
    const { ageMs } = this.status();
    const facts = { document: name, source: reader.kind, failures, ageMs };
    emit(documentLoadFailed({ ...facts, error: messageOf(error) }));
  }
}

/** Our own messages are safe to show; what anybody else says may quote a URL or a line of a document. */
const messageOf = (error: unknown): string =>
  error instanceof DocumentError
    ? error.message
    : `loading failed (${error instanceof Error ? error.name : typeof error})`;

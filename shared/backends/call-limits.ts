import type { Cancel, Clock } from "../core/clock.ts";
import { BackendFailure, type BackendFailureKind } from "./backend-failure.ts";

/** How long each part of a call may take, in milliseconds. */
export interface CallLimits {
  /** Until there is a connection. */
  readonly connectMs: number;
  /** From the call to its first meaningful byte: to the headers, or to a stream's first event. */
  readonly firstByteMs: number;
  /** Without a byte, once the answer has begun. A reader that is slow does not count against it. */
  readonly idleMs: number;
  /** From the call to the last byte. */
  readonly totalMs: number;
}

/** What holds where a call says nothing else. */
export const DEFAULT_CALL_LIMITS: CallLimits = {
  connectMs: 10_000,
  // The last resort behind the callers' own limits, which may be long ones: a job may wait for half an hour.
  firstByteMs: 3_600_000,
  // A reasoning model may think for minutes between two events.
  idleMs: 300_000,
  totalMs: 3_600_000,
};

// For what nobody waits for any more: the end of a connection behind the last word of a stream.
const ENDING_MS = 5000;

type Phase = "connecting" | "waiting" | "reading" | "paused";

interface Due {
  readonly at: number;
  readonly kind: BackendFailureKind;
}

const MESSAGES: Partial<Record<BackendFailureKind, string>> = {
  connect: "The backend took too long to take a connection.",
  "first-byte-timeout": "The backend took too long to begin its answer.",
  "idle-timeout": "The backend fell silent in the middle of its answer.",
  "total-timeout": "The backend took too long to complete its answer.",
};

export interface CallTimerOptions {
  readonly clock: Clock;
  readonly limits: CallLimits;
  /** Called at most once, when a limit has passed. */
  readonly onLimit: (failure: BackendFailure) => void;
}

/**
 * The time limits of one call under one timer, which is not touched when bytes come: only when it
 * fires does it look how long they have been missing, and is set anew. Scope: one call.
 */
export class CallTimer {
  readonly #options: CallTimerOptions;
  readonly #startedAt: number;
  #phase: Phase = "connecting";
  #isCommitted = false;
  #endsBy = Number.POSITIVE_INFINITY;
  #lastByteAt = 0;
  #cancel: Cancel | undefined;

  constructor(options: CallTimerOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#arm();
  }

  /** A connection is there, and the request goes out. */
  connected(): void {
    this.#phase = "waiting";
  }

  /** Headers or bytes came. */
  received(): void {
    this.#lastByteAt = this.#options.clock.now();
    this.#phase = "reading";
  }

  /** The answer's first meaningful bytes are in. */
  committed(): void {
    this.#isCommitted = true;
  }

  /** Nothing that matters follows: its backend has a moment left to say so. */
  ending(): void {
    if (this.#endsBy !== Number.POSITIVE_INFINITY) return;
    this.#endsBy = this.#options.clock.now() + ENDING_MS;
    this.stop();
    this.#arm();
  }

  /** The reader is behind: what does not come now is not the backend's fault. */
  paused(): void {
    this.#phase = "paused";
  }

  resumed(): void {
    this.received();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #arm(): void {
    const { clock, limits } = this.#options;
    // A limit that only begins to count later is looked at in steps of its own length.
    const delayMs = Math.min(this.#due().at - clock.now(), limits.idleMs);
    this.#cancel = clock.schedule(delayMs, () => this.#look());
  }

  #look(): void {
    const { clock, onLimit } = this.#options;
    const { at, kind } = this.#due();
    if (at > clock.now()) {
      this.#arm();
      return;
    }
    this.#cancel = undefined;
    onLimit(
      new BackendFailure(kind, MESSAGES[kind] ?? kind, {
        mayHaveBegun: this.#phase !== "connecting",
      }),
    );
  }

  #due(): Due {
    const { limits } = this.#options;
    const startedAt = this.#startedAt;
    let due: Due = { kind: "total-timeout", at: startedAt + limits.totalMs };
    const or = (kind: BackendFailureKind, at: number): void => {
      if (at < due.at) due = { kind, at };
    };
    or("idle-timeout", this.#endsBy);
    if (!this.#isCommitted) or("first-byte-timeout", startedAt + limits.firstByteMs);
    if (this.#phase === "connecting") or("connect", startedAt + limits.connectMs);
    if (this.#phase === "reading") or("idle-timeout", this.#lastByteAt + limits.idleMs);
    return due;
  }
}

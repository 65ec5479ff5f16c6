/** How a call ended; `running` until it has. */
export type CallOutcome = "running" | "completed" | "refused" | "client-left" | `fault:${string}`;

/** One recorded call, as `GET /sim/calls` shows it. */
export interface Call {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  /** Name and value in turn, as they were received. */
  readonly rawHeaders: readonly string[];
  readonly startedAt: number;
  bodyBytes: number;
  bodySha256: string | null;
  model: string | null;
  status: number | null;
  endedAt: number | null;
  outcome: CallOutcome;
  /** Tokens written before the call ended. */
  outputTokens: number;
}

/** Calls kept; the oldest make room. */
const MAX_CALLS = 1_000;

/** The last calls of one endpoint. Scope: one endpoint. */
export class CallLog {
  #calls: Call[] = [];
  #total = 0;

  begin(request: Pick<Call, "method" | "path" | "rawHeaders" | "startedAt">): Call {
    this.#total += 1;
    const call: Call = {
      number: this.#total,
      ...request,
      bodyBytes: 0,
      bodySha256: null,
      model: null,
      status: null,
      endedAt: null,
      outcome: "running",
      outputTokens: 0,
    };
    this.#calls.push(call);
    // Cut in halves, so that dropping the oldest costs nothing per call.
    if (this.#calls.length >= 2 * MAX_CALLS) this.#calls = this.#calls.slice(-MAX_CALLS);
    return call;
  }

  /** `total` counts all calls since the start or the last clear; `calls` are the latest of them. */
  snapshot(): { total: number; calls: readonly Call[] } {
    return { total: this.#total, calls: this.#calls.slice(-MAX_CALLS) };
  }

  clear(): void {
    this.#calls = [];
    this.#total = 0;
  }
}

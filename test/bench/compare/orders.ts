/** What the backend is to answer; it travels in the request's `user` field, which every gateway passes on. */
export interface BackendOrder {
  /** The length of an event stream; absent for JSON. */
  readonly events?: number;
  /** The time between two events; none where it is 0. */
  readonly intervalMs?: number;
}

/** Where the load goes. */
export interface LoadTarget {
  readonly port: number;
  readonly headers: readonly string[];
}

/** One measurement that the load generator is asked for. */
export interface LoadOrder {
  readonly target: LoadTarget;
  readonly answer: BackendOrder;
  readonly connections: number;
  /** Repeats on every connection until then; once where it is 0. */
  readonly durationMs: number;
}

/** What the load generator saw. */
export interface LoadResult {
  readonly elapsedMs: number;
  /** Of each request, from its first byte to its answer's last. */
  readonly requestMs: readonly number[];
  /** Of each event, from its write in the backend to its arrival. */
  readonly eventMs: readonly number[];
  /** Requests whose answer was not a whole success. */
  readonly failures: number;
  /** The longest time in which a stream was silent. */
  readonly longestSilenceMs: number;
}

/** The body of every request; about what a short chat takes. */
export function requestBody(answer: BackendOrder): string {
  return JSON.stringify({
    model: "bench",
    messages: [{ role: "user", content: "Say something of the usual length, please." }],
    ...(answer.events === undefined ? {} : { stream: true }),
    user: JSON.stringify(answer),
  });
}

import type { EventBytes, EventPiece } from "../core/event-bytes.ts";
import { BackendFailure } from "./backend-failure.ts";
import type { StreamProtocol } from "./stream-meaning.ts";
import { StreamWatch } from "./stream-watch.ts";

// Enough for every preamble but one that repeats a long prompt; what is longer is committed as it is.
const MAX_HELD_BYTES = 64 * 1024;

type Rewrite = (events: string) => string;
type Body = AsyncIterator<Uint8Array, undefined>;
type Piece = IteratorResult<Uint8Array, undefined>;

/**
 * Waits for an event stream's first meaningful event. Resolves with the stream from its first byte on;
 * throws a `BackendFailure` when it fails before, while another backend can still answer. What is read
 * from the result throws too where the stream breaks off, stalls or ends without its protocol's ending.
 * `rewrite` says what whole events are to be, which are then all that is given on. `onLastWord` is called when
 * somebody waits for more behind the protocol's ending, where a connection may do as it likes.
 */
export async function committedStream(
  body: Body,
  rewrite?: Rewrite,
  onLastWord?: () => void,
): Promise<CommittedStream> {
  const watch = new StreamWatch(rewrite);
  const held: EventPiece[] = [];
  let heldBytes = 0;
  while (!watch.hasBegun && heldBytes < MAX_HELD_BYTES) {
    const { done, value } = await body.next();
    if (done) {
      watch.close();
      if (watch.hasFailed) throw errorEvent();
      if (!watch.hasBegun || !watch.isComplete) throw endedEarly();
      break;
    }
    // Nothing has been delivered yet, so even an error behind a first event costs nobody anything.
    const events = watch.push(value);
    if (watch.hasFailed) throw errorEvent();
    const isEmpty = rewrite && events.length === 0;
    if (!isEmpty) held.push({ done: false, value: rewrite ? joined(events) : value, events });
    heldBytes += value.byteLength;
  }
  return new CommittedStream({ held, body, watch, isRewritten: rewrite !== undefined, onLastWord });
}

interface Committed {
  readonly held: EventPiece[];
  readonly body: Body;
  readonly watch: StreamWatch;
  readonly isRewritten: boolean;
  readonly onLastWord: (() => void) | undefined;
}

/**
 * A stream that ends well or throws. Its pieces bring their events along, so that nobody else need cut them.
 * Scope: one answer.
 */
class CommittedStream implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #body: Body;
  readonly #watch: StreamWatch;
  readonly #held: EventPiece[];
  // Bound once: each piece of each stream passes here.
  readonly #onPiece = (piece: Piece): EventPiece | Promise<EventPiece> => this.#passed(piece);
  readonly #onError = (error: unknown): EventPiece => this.#broken(error);
  readonly #isRewritten: boolean;
  readonly #onLastWord: Committed["onLastWord"];
  #isRestGiven = false;
  #failure: BackendFailure | undefined;

  constructor({ held, body, watch, isRewritten, onLastWord }: Committed) {
    this.#onLastWord = onLastWord;
    this.#held = held;
    this.#body = body;
    this.#watch = watch;
    this.#isRewritten = isRewritten;
  }

  /** As far as its events have shown it. */
  get protocol(): StreamProtocol | undefined {
    return this.#watch.protocol;
  }

  /** The data of an event that refuses the request before anything was answered. */
  get refusal(): string | undefined {
    return this.#watch.refusal;
  }

  next(): Promise<EventPiece> {
    const first = this.#held.shift();
    if (first) return Promise.resolve(first);
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#watch.hasEnded) this.#onLastWord?.();
    return this.#body.next().then(this.#onPiece, this.#onError);
  }

  async return(): Promise<Piece> {
    await this.#body.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #passed(piece: Piece): EventPiece | Promise<EventPiece> {
    if (piece.done) return this.#ended();
    const events = this.#watch.push(piece.value);
    if (this.#isRewritten && events.length === 0) return this.next();
    const value = this.#isRewritten ? joined(events) : piece.value;
    const { failedAt } = this.#watch;
    if (failedAt === undefined) return { done: false, value, events };
    this.#failure = errorEvent();
    return { done: false, value: value.subarray(0, failedAt), events: before(failedAt, events) };
  }

  #ended(): EventPiece {
    const rest = this.#watch.close();
    if (this.#watch.hasFailed) throw errorEvent();
    if (!this.#watch.isComplete) throw endedEarly();
    if (!this.#isRewritten) return { done: true, value: undefined, events: rest };
    if (this.#isRestGiven || rest.length === 0) return { done: true, value: undefined, events: [] };
    this.#isRestGiven = true;
    return { done: false, value: joined(rest), events: rest };
  }

  /** Behind the protocol's last word a connection may do as it likes. */
  #broken(error: unknown): EventPiece {
    if (!this.#watch.hasEnded || !(error instanceof BackendFailure)) throw error;
    return this.#ended();
  }
}

function joined(events: readonly EventBytes[]): Uint8Array {
  const [only] = events;
  if (only && events.length === 1) return only.bytes;
  return Buffer.concat(events.map(({ bytes }) => bytes));
}

const before = (end: number, events: readonly EventBytes[]): EventBytes[] =>
  events.filter(({ startsAt }) => startsAt < end).map((part) => part.before(end));

const endedEarly = (): BackendFailure =>
  new BackendFailure("truncated", "The stream ended without its protocol's ending.", {
    mayHaveBegun: true,
  });

const errorEvent = (): BackendFailure =>
  new BackendFailure("error-event", "The stream carried an error event.", { mayHaveBegun: true });

import { ANY_SIGNAL, ANY_SIGNAL_OR_NULL } from "./event-signals.ts";
import type { SseEvent } from "./sse-event.ts";

interface Place {
  /** Where they begin in the chunk that they came in; below zero for what began before it. */
  readonly startsAt: number;
  /** Whether their event is too long to be held, and goes on in what comes next. */
  readonly isOpen?: boolean;
  /** Whether they go on with such an event. */
  readonly isRest?: boolean;
  /** Whether usage that is told as null is to be found in them as well. */
  readonly isEdited?: boolean;
}

/** What was read at an offset, no event where it had no data, and where the next one begins. */
export interface ReadEvent {
  readonly event: SseEvent | undefined;
  readonly next: number;
}

/**
 * Bytes of an event stream from one event's beginning to the end of that or a later one. Several look
 * into them: what it takes to do so is done once. Scope: one piece of a stream.
 */
export class EventBytes {
  readonly bytes: Buffer;
  readonly startsAt: number;
  readonly isOpen: boolean;
  readonly isRest: boolean;
  readonly #isEdited: boolean;
  #text: string | undefined;
  #known: Map<number, ReadEvent> | undefined;
  #signalAt: number | undefined;

  constructor(
    bytes: Buffer,
    { startsAt, isOpen = false, isRest = false, isEdited = false }: Place,
  ) {
    this.bytes = bytes;
    this.startsAt = startsAt;
    this.isOpen = isOpen;
    this.isRest = isRest;
    this.#isEdited = isEdited;
  }

  /** Each byte as the Latin-1 character that it is: a search through those costs less than through bytes. */
  get text(): string {
    this.#text ??= this.bytes.toString("latin1");
    return this.#text;
  }

  /**
   * Where that stands first which may matter to who follows the stream, which is looked for once; -1 where
   * all is content.
   */
  get signalAt(): number {
    this.#signalAt ??= this.text.search(this.#isEdited ? ANY_SIGNAL_OR_NULL : ANY_SIGNAL);
    return this.#signalAt;
  }

  /** The same events as they are to be, among bytes that are so already. Nobody else may hold their memory. */
  rewritten(rewrite: (events: string) => string, startsAt: number): EventBytes {
    const { bytes, text, isOpen, isRest } = this;
    const isWhole = !isOpen && !isRest;
    const left = isWhole ? rewrite(text) : text;
    const isSame = left.length === text.length;
    const part = new EventBytes(isSame ? bytes : bytes.subarray(0, bytes.write(left, "latin1")), {
      startsAt,
      isOpen,
      isRest,
      isEdited: true,
    });
    part.#text = left;
    return part;
  }

  /** The event that begins at an offset, where somebody has read it. */
  known(offset: number): ReadEvent | undefined {
    return this.#known?.get(offset);
  }

  remember(offset: number, event: ReadEvent): void {
    this.#known ??= new Map();
    this.#known.set(offset, event);
  }

  /** Those before an offset of the chunk. */
  before(end: number): EventBytes {
    const { startsAt, isOpen, isRest } = this;
    const isEdited = this.#isEdited;
    const kept = this.bytes.subarray(0, Math.max(0, end - startsAt));
    return kept.length === this.bytes.length
      ? this
      : new EventBytes(kept, { startsAt, isOpen, isRest, isEdited });
  }
}

/** A piece of a stream, with its events where these were looked for on its way; at the end with what is left open. */
export type EventPiece = IteratorResult<Uint8Array, undefined> & {
  readonly events?: readonly EventBytes[];
};

interface Fields {
  readonly event: string;
  readonly data: string;
  readonly id: string;
  readonly isTruncated: boolean;
  readonly endsAt: number;
}

const BEGINS_JSON = /^\s*[{[]/;

/** One event of an event stream. */
export class SseEvent implements Fields {
  /** The `event` field; empty where there is none, which readers take as `message`. */
  readonly event: string;
  /** The `data` fields, joined by line feeds. */
  readonly data: string;
  /** The last `id` seen so far, in what was read. */
  readonly id: string;
  /** Whether it was longer than the parser holds: then `data` is only its beginning. */
  readonly isTruncated: boolean;
  /** Offset, in the chunk pushed last, of the first byte behind the event. */
  readonly endsAt: number;
  #json: { readonly value: unknown } | undefined;

  constructor({ event, data, id, isTruncated, endsAt }: Fields) {
    this.event = event;
    this.data = data;
    this.id = id;
    this.isTruncated = isTruncated;
    this.endsAt = endsAt;
  }

  /** Its data as JSON, read when it is first asked for; undefined for what is no object and no array. */
  get json(): unknown {
    this.#json ??= { value: parsed(this.data) };
    return this.#json.value;
  }
}

function parsed(text: string): unknown {
  if (!BEGINS_JSON.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

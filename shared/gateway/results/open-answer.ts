import type { HeaderList } from "../../core/headers.ts";
import type { CalledBackend } from "../../core/http.ts";
import type { AnswerSlot } from "../calls/answer-watch.ts";

/** An answer whose body is still to be read. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: AsyncIterable<Uint8Array>;
  /** Where it came from; without, it is a result whatever it says. */
  readonly called?: CalledBackend | undefined;
  /** Who gave it, by its label. */
  readonly backend?: string | undefined;
  /** Where it is watched, where it is. */
  readonly usage?: AnswerSlot | undefined;
  discard(): void;
}

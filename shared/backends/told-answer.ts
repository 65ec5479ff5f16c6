import type { Fields } from "../core/fields.ts";

/** What a client was told of an answer, in the way of one protocol. Scope: one answer. */
export interface ToldAnswer {
  /** Notes an event on its way to the client; false where it cannot be compared with another's. */
  record(event: Fields): boolean;
  /** Lets go of what is held. */
  letGo(): void;
}

/** Another stream that is to say what a client was told. Scope: one stream. */
export interface RetoldAnswer {
  /** Whether it has said all of that. */
  readonly isCovered: boolean;
  /**
   * Takes its next event, and gives what of it and of those before is for the client now, under the first
   * stream's names; undefined where it says something else.
   */
  tell(event: Fields): readonly Fields[] | undefined;
}

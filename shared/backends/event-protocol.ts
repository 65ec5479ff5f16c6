import type { Fields } from "../core/fields.ts";

/** What an event says, as far as another stream's is compared with it. */
export type Saying =
  /** A piece of a text, which streams cut as they like; `isWhole` where it may not be cut any further. */
  | {
      readonly kind: "text";
      readonly channel: string;
      readonly text: string;
      readonly isWhole: boolean;
    }
  /** A step that is compared as one: where a part of the answer begins, or ends. */
  | { readonly kind: "mark"; readonly mark: string }
  /** What a client is told once, and no two streams say alike. */
  | { readonly kind: "once"; readonly name: string }
  /** A sign of life. */
  | { readonly kind: "nothing" }
  /** The protocol's last word. */
  | { readonly kind: "end" }
  /** What cannot be compared, or must not be asked for a second time. */
  | { readonly kind: "opaque" };

/** A protocol whose events tell one thing after the other. */
export interface EventProtocol {
  says(event: Fields): Saying;
  /** A text event with only that text. */
  withText(event: Fields, text: string): Fields;
  /** What an answer and its parts are called, as of its beginning. */
  names(): AnswerNames;
}

/** What the first stream called an answer and its parts. Scope: one answer. */
export interface AnswerNames {
  /** Notes an event that a client gets. */
  note(event: Fields): void;
  /** An event of another stream in the words of the first; undefined where that would be no true one. */
  applyTo(event: Fields): Fields | undefined;
}

export const NOTHING_SAID: Saying = { kind: "nothing" };
export const LAST_WORD: Saying = { kind: "end" };
export const OPAQUE: Saying = { kind: "opaque" };

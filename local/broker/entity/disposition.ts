import type { PropertyEntries } from "../amqp/application-properties.ts";
import type { DeadLetterReason } from "./dead-letter.ts";

/** What a receiver decides about a message that it has locked. */
export type Disposition =
  | { readonly kind: "complete" }
  | { readonly kind: "release" }
  | { readonly kind: "abandon" | "defer"; readonly properties: PropertyEntries }
  | { readonly kind: "deadLetter"; readonly why: DeadLetterReason };

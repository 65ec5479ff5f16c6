import type { AmqpError } from "./errors.ts";
import { type Typed, types } from "./rhea.ts";
import { describedList } from "./typed.ts";

/** Descriptors of delivery states (AMQP 1.0, part 3.4). */
export const OUTCOME = {
  accepted: 0x24,
  rejected: 0x25,
  released: 0x26,
  modified: 0x27,
  transactional: 0x34,
} as const;

/** What the broker answers a delivery or a settlement with: success, or why not. */
export type Answer = "accepted" | AmqpError;

/** The delivery state that carries an answer. */
export function toOutcome(answer: Answer): Typed {
  if (answer === "accepted") return describedList(OUTCOME.accepted, []);
  return describedList(OUTCOME.rejected, [types.wrap_error(answer)]);
}

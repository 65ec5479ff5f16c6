import { textAt } from "../amqp/scalars.ts";
import { readSections, SECTION } from "../amqp/sections.ts";
import { compoundBounds, endOfValue } from "../amqp/value-bounds.ts";

/** The system properties that a correlation filter may compare, in the order AMQP carries them. */
export const CORRELATION_FIELDS = [
  "correlation-id",
  "message-id",
  "to",
  "reply-to",
  "label",
  "session-id",
  "reply-to-session-id",
  "content-type",
] as const;

export type CorrelationField = (typeof CORRELATION_FIELDS)[number];
export type SystemProperties = Partial<Record<CorrelationField, string>>;

// Positions in the properties list (AMQP 1.0, part 3.2.4); the gaps cannot be filtered on.
const FIELD_AT: readonly (CorrelationField | undefined)[] = [
  "message-id",
  undefined,
  "to",
  "label",
  "reply-to",
  "correlation-id",
  "content-type",
  undefined,
  undefined,
  undefined,
  "session-id",
  undefined,
  "reply-to-session-id",
];

/** The system properties in a message's bytes. */
export function readSystemProperties(tail: Buffer): SystemProperties {
  const section = readSections(tail).find(({ code }) => code === SECTION.properties);
  if (!section) return {};
  const { start, end } = compoundBounds(tail, section.valueStart);
  const system: SystemProperties = {};
  for (let at = start, index = 0; at < end; at = endOfValue(tail, at), index++) {
    const field = FIELD_AT[index];
    const text = field ? textAt(tail, at) : undefined;
    if (field && text !== undefined) system[field] = text;
  }
  return system;
}

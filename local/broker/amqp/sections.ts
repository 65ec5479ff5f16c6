import { malformed } from "./errors.ts";
import { endOfValue } from "./value-bounds.ts";

/** Descriptor codes of the sections of an AMQP message (AMQP 1.0, part 3.2). */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;

/** One section as it lies in the message's bytes. */
export interface Section {
  readonly code: number;
  readonly start: number;
  /** Where the section's value begins, after its descriptor. */
  readonly valueStart: number;
  readonly end: number;
}

const SMALL_ULONG = 0x53;
const ULONG = 0x80;
const SYMBOL8 = 0xa3;

const SYMBOLIC: Readonly<Record<string, number>> = {
  "amqp:header:list": SECTION.header,
  "amqp:delivery-annotations:map": SECTION.deliveryAnnotations,
  "amqp:message-annotations:map": SECTION.messageAnnotations,
  "amqp:properties:list": SECTION.properties,
  "amqp:application-properties:map": SECTION.applicationProperties,
  "amqp:data:binary": SECTION.data,
  "amqp:amqp-sequence:list": SECTION.sequence,
  "amqp:amqp-value:*": SECTION.value,
  "amqp:footer:map": SECTION.footer,
};

/**
 * Splits a message into its sections without decoding them: decoding and encoding again would lose
 * the types that JavaScript does not have (int against long, float, described types).
 */
export function readSections(bytes: Buffer): Section[] {
  const sections: Section[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const section = readSection(bytes, offset);
    sections.push(section);
    offset = section.end;
  }
  return sections;
}

function readSection(bytes: Buffer, start: number): Section {
  if (bytes[start] !== 0x00) throw malformed("A message section must begin with a descriptor.");
  const valueStart = endOfValue(bytes, start + 1);
  const code = descriptorCode(bytes, { start: start + 1, end: valueStart });
  return { code, start, valueStart, end: endOfValue(bytes, valueStart) };
}

function descriptorCode(bytes: Buffer, { start, end }: { start: number; end: number }): number {
  const code = codeOf(bytes, { start, end });
  if (code === undefined || code < SECTION.header || code > SECTION.footer) {
    throw malformed("The message has a section that AMQP 1.0 does not define.");
  }
  return code;
}

function codeOf(bytes: Buffer, { start, end }: { start: number; end: number }): number | undefined {
  switch (bytes[start]) {
    case SMALL_ULONG:
      return bytes[start + 1];
    case ULONG:
      return Number(bytes.readBigUInt64BE(start + 1));
    case SYMBOL8:
      return SYMBOLIC[bytes.toString("ascii", start + 2, end)];
    default:
      return undefined;
  }
}

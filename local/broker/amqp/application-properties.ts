import { type Typed, types } from "./rhea.ts";
import { textAt } from "./scalars.ts";
import { readSections, SECTION } from "./sections.ts";
import { decode, encode } from "./typed.ts";
import { compoundBounds, endOfValue } from "./value-bounds.ts";

/** Properties to set on a message, with their AMQP types. */
export type PropertyEntries = readonly (readonly [string, Typed])[];

/**
 * Sets application properties in a message's bytes (from the properties section on). Every other
 * property stays the bytes it was: to decode and encode it again could lose its type.
 */
export function setApplicationProperties(tail: Buffer, changes: PropertyEntries): Buffer {
  if (changes.length === 0) return tail;
  const sections = readSections(tail);
  const existing = sections.find((one) => one.code === SECTION.applicationProperties);
  const insertAt = existing?.start ?? sections.find((one) => one.code > SECTION.properties)?.start;
  const start = insertAt ?? tail.length;
  const pairs = new Map(existing ? readPairs(tail, existing.valueStart) : []);
  for (const [key, value] of changes) pairs.set(key, encode(types.wrap_string(key), value));
  const section = encodeSection([...pairs.values()]);
  return Buffer.concat([tail.subarray(0, start), section, tail.subarray(existing?.end ?? start)]);
}

/** Keys with the bytes of key and value, in the order of the map at `offset`. */
function readPairs(bytes: Buffer, offset: number): [string, Buffer][] {
  const { start, end } = compoundBounds(bytes, offset);
  const pairs: [string, Buffer][] = [];
  for (let at = start; at < end; ) {
    const valueAt = endOfValue(bytes, at);
    const pairEnd = endOfValue(bytes, valueAt);
    pairs.push([textAt(bytes, at) ?? `#${at}`, bytes.subarray(at, pairEnd)]);
    at = pairEnd;
  }
  return pairs;
}

function encodeSection(pairs: readonly Buffer[]): Buffer {
  const head = Buffer.from([
    0x00,
    0x53,
    SECTION.applicationProperties,
    0xd1,
    ...new Array(8).fill(0),
  ]);
  const body = Buffer.concat(pairs);
  head.writeUInt32BE(body.length + 4, 4);
  head.writeUInt32BE(pairs.length * 2, 8);
  return Buffer.concat([head, body]);
}

/** A message's application properties as plain values, for rules that compare them. */
export function readApplicationProperties(tail: Buffer): Map<string, unknown> {
  const section = readSections(tail).find((one) => one.code === SECTION.applicationProperties);
  const properties = new Map<string, unknown>();
  if (!section) return properties;
  for (const [key, bytes] of readPairs(tail, section.valueStart)) {
    properties.set(key, plainValue(bytes.subarray(endOfValue(bytes, 0))));
  }
  return properties;
}

/** A value of a type that rhea does not know equals nothing. */
function plainValue(bytes: Buffer): unknown {
  try {
    return types.unwrap(decode(bytes));
  } catch {
    return undefined;
  }
}

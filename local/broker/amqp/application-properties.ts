import { type Typed, types } from "./rhea.ts";
import { readSections, SECTION } from "./sections.ts";
import { decode, encode, sectionOf, valuesOf } from "./typed.ts";

/** Properties to set on a message, with their AMQP types. */
export type PropertyEntries = readonly (readonly [string, Typed])[];

/**
 * Sets application properties in a message's bytes (from the properties section on). Every other
 * property keeps its exact type: a decode into JavaScript values would lose it.
 */
export function setApplicationProperties(tail: Buffer, changes: PropertyEntries): Buffer {
  if (changes.length === 0) return tail;
  const sections = readSections(tail);
  const existing = sections.find((one) => one.code === SECTION.applicationProperties);
  const insertAt = existing?.start ?? sections.find((one) => one.code > SECTION.properties)?.start;
  const start = insertAt ?? tail.length;
  const end = existing?.end ?? start;
  const current = existing
    ? valuesOf(decode(tail.subarray(existing.valueStart, existing.end)))
    : [];
  const section = sectionOf("applicationProperties", types.Map32(merge(current, changes)));
  return Buffer.concat([tail.subarray(0, start), encode(section), tail.subarray(end)]);
}

function merge(current: readonly Typed[], changes: PropertyEntries): Typed[] {
  const merged = [...current];
  for (const [key, value] of changes) {
    const at = merged.findIndex((item, index) => index % 2 === 0 && item.value === key);
    if (at >= 0) merged[at + 1] = value;
    else merged.push(types.wrap_string(key), value);
  }
  return merged;
}

/** A message's application properties as plain values, for rules that compare them. */
export function readApplicationProperties(tail: Buffer): Map<string, unknown> {
  const section = readSections(tail).find((one) => one.code === SECTION.applicationProperties);
  const values = section ? valuesOf(decode(tail.subarray(section.valueStart, section.end))) : [];
  const properties = new Map<string, unknown>();
  for (let index = 0; index + 1 < values.length; index += 2) {
    const [key, value] = [values[index], values[index + 1]];
    if (key && value) properties.set(String(key.value), types.unwrap(value));
  }
  return properties;
}

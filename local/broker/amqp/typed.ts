import { type Typed, types } from "./rhea.ts";
import { SECTION } from "./sections.ts";

const TYPECODE = { uuid: 0x98, long: 0x81, timestamp: 0x83, string: 0xb1 } as const;

/** An AMQP array: the .NET client casts to `Guid[]`, `long[]`, `DateTime[]`, so a list will not do. */
export const arrayOf = (type: keyof typeof TYPECODE, values: readonly unknown[]): Typed =>
  types.wrap_array(values, TYPECODE[type]);

/** A map with string keys. */
export const mapOf = (entries: Readonly<Record<string, Typed>>): Typed =>
  types.Map32(Object.entries(entries).flatMap(([key, value]) => [types.wrap_string(key), value]));

/** A list described by a numeric code. */
export const describedList = (code: number | Buffer, values: readonly Typed[]): Typed =>
  types.described(types.wrap_ulong(code), types.wrap_list(values));

/** The values of a list or array; none for any other type. */
export function valuesOf(typed: Typed | undefined): Typed[] {
  return Array.isArray(typed?.value) ? typed.value : [];
}

/** The entries of a map whose keys are strings or symbols. */
export function entriesOf(typed: Typed | undefined): [string, Typed][] {
  const values = valuesOf(typed);
  const entries: [string, Typed][] = [];
  for (let index = 0; index + 1 < values.length; index += 2) {
    const [key, value] = [values[index], values[index + 1]];
    if (key && value) entries.push([String(key.value), value]);
  }
  return entries;
}

/** A descriptor's numeric code; undefined when there is none or it is symbolic. */
export function descriptorOf(typed: Typed | null | undefined): number | undefined {
  const value = typed?.descriptor?.value;
  if (typeof value === "number") return value;
  return Buffer.isBuffer(value) ? Number(value.readBigUInt64BE(0)) : undefined;
}

/** Encodes values one after the other. */
export function encode(...values: readonly Typed[]): Buffer {
  const writer = new types.Writer();
  for (const value of values) writer.write(writable(value));
  return writer.toBuffer();
}

const ARRAY_KINDS = [0xe, 0xf];

/** rhea reads an array's items with their types, but writes them without. */
function writable(typed: Typed): Typed {
  if (!Array.isArray(typed.value)) return typed;
  const isArray = ARRAY_KINDS.includes(typed.type.typecode >>> 4);
  const items = typed.value.map((item: unknown) => {
    if (!isTyped(item)) return item;
    return isArray ? item.value : writable(item);
  });
  return Object.assign(Object.create(Object.getPrototypeOf(typed)), typed, { value: items });
}

const isTyped = (value: unknown): value is Typed =>
  typeof value === "object" && value !== null && "type" in value && "value" in value;

/** Decodes the value that `bytes` begin with. */
export const decode = (bytes: Buffer): Typed => new types.Reader(bytes).read();

/** A value under a section's descriptor. */
export const sectionOf = (name: keyof typeof SECTION, value: Typed): Typed =>
  types.described(types.wrap_ulong(SECTION[name]), value);

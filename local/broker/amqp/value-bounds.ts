import { malformed } from "./errors.ts";

/** Type constructor that announces a descriptor before the value. */
const DESCRIBED = 0x00;

/**
 * Where the AMQP value that begins at `offset` ends. The high nibble of a type code says how its
 * width is found, so any value can be passed over without knowing its type (AMQP 1.0, part 1.2).
 */
export function endOfValue(bytes: Buffer, offset: number): number {
  const code = byteAt(bytes, offset);
  if (code === DESCRIBED) return endOfValue(bytes, endOfValue(bytes, offset + 1));
  const end = offset + 1 + widthOf(bytes, { kind: code >>> 4, at: offset + 1 });
  if (end > bytes.length) throw malformed("An AMQP value runs past the end of the message.");
  return end;
}

function widthOf(bytes: Buffer, { kind, at }: { kind: number; at: number }): number {
  switch (kind) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    case 0xa:
    case 0xc:
    case 0xe:
      return 1 + byteAt(bytes, at);
    case 0xb:
    case 0xd:
    case 0xf:
      return 4 + uintAt(bytes, at);
    default:
      throw malformed(`There is no AMQP type with the code prefix 0x${kind.toString(16)}.`);
  }
}

/** The values inside a list or map: where they begin and end, and how many there are. */
export interface CompoundBounds {
  start: number;
  end: number;
  count: number;
}

const LIST0 = 0x45;
const LIST8 = 0xc0;
const MAP8 = 0xc1;
const LIST32 = 0xd0;
const MAP32 = 0xd1;

/** The inside of the list or map that begins at `offset`. */
export function compoundBounds(bytes: Buffer, offset: number): CompoundBounds {
  const code = byteAt(bytes, offset);
  const end = endOfValue(bytes, offset);
  if (code === LIST0) return { start: end, end, count: 0 };
  if (code === LIST8 || code === MAP8) {
    return { start: offset + 3, end, count: byteAt(bytes, offset + 2) };
  }
  if (code === LIST32 || code === MAP32) {
    return { start: offset + 9, end, count: uintAt(bytes, offset + 5) };
  }
  throw malformed(`A list or map was expected, not type 0x${code.toString(16)}.`);
}

/** Makes sure that the list or map at `offset` is filled exactly by its values. */
export function checkCompound(bytes: Buffer, offset: number): void {
  const { start, end, count } = compoundBounds(bytes, offset);
  let at = start;
  for (let index = 0; index < count; index++) at = endOfValue(bytes, at);
  if (at !== end) throw malformed("A list or map does not hold as many values as it says.");
}

function byteAt(bytes: Buffer, offset: number): number {
  const value = bytes[offset];
  if (value === undefined) throw malformed("The message ends in the middle of an AMQP value.");
  return value;
}

function uintAt(bytes: Buffer, offset: number): number {
  if (offset + 4 > bytes.length)
    throw malformed("The message ends in the middle of an AMQP value.");
  return bytes.readUInt32BE(offset);
}

/**
 * Reads the few scalar values that the broker itself needs, straight from a message's bytes.
 * Anything else stays as it came.
 */

const STRING8 = 0xa1;
const STRING32 = 0xb1;
const SYMBOL8 = 0xa3;
const SYMBOL32 = 0xb3;
const NULL = 0x40;

/** The text of a string or symbol value at `offset`; undefined for every other type. */
export function textAt(bytes: Buffer, offset: number): string | undefined {
  const code = bytes[offset];
  if (code === STRING8 || code === SYMBOL8) {
    return bytes.toString("utf8", offset + 2, offset + 2 + (bytes[offset + 1] ?? 0));
  }
  if (code === STRING32 || code === SYMBOL32) {
    return bytes.toString("utf8", offset + 5, offset + 5 + bytes.readUInt32BE(offset + 1));
  }
  return undefined;
}

/** Whether the value at `offset` is null. */
export const isNullAt = (bytes: Buffer, offset: number): boolean => bytes[offset] === NULL;

/** The unsigned integer (ubyte, uint, ulong) at `offset`; undefined for every other type. */
export function unsignedAt(bytes: Buffer, offset: number): number | undefined {
  switch (bytes[offset]) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes[offset + 1];
    case 0x70:
      return bytes.readUInt32BE(offset + 1);
    case 0x80:
      return Number(bytes.readBigUInt64BE(offset + 1));
    default:
      return undefined;
  }
}

/** The boolean at `offset`; undefined for every other type. */
export function booleanAt(bytes: Buffer, offset: number): boolean | undefined {
  switch (bytes[offset]) {
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x56:
      return bytes[offset + 1] === 1;
    default:
      return undefined;
  }
}

/** The timestamp at `offset` in epoch milliseconds; undefined for every other type. */
export function timestampAt(bytes: Buffer, offset: number): number | undefined {
  return bytes[offset] === 0x83 ? Number(bytes.readBigInt64BE(offset + 1)) : undefined;
}

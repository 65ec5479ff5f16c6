import { countValues } from "./annotations.ts";
import type { MessageContent } from "./incoming-message.ts";
import { SECTION } from "./sections.ts";

/** What the broker writes on a message each time it is delivered or peeked. */
export interface BrokerAnnotations {
  readonly deliveryCount: number;
  readonly sequenceNumber: number;
  readonly enqueuedAt: number;
  readonly state: number;
  readonly lockedUntil?: number | undefined;
  readonly enqueueSequenceNumber?: number | undefined;
  readonly deadLetterSource?: string | undefined;
}

const MAP32 = 0xd1;
const NULL = 0x40;
const symbol = (name: string): Buffer =>
  Buffer.concat([Buffer.from([0xa3, name.length]), Buffer.from(name, "ascii")]);
const KEYS = {
  sequenceNumber: symbol("x-opt-sequence-number"),
  enqueuedTime: symbol("x-opt-enqueued-time"),
  state: symbol("x-opt-message-state"),
  lockedUntil: symbol("x-opt-locked-until"),
  enqueueSequenceNumber: symbol("x-opt-enqueue-sequence-number"),
  deadLetterSource: symbol("x-opt-deadletter-source"),
};
/** More than the header and the broker's own annotations ever need, but for the variable parts. */
const FIXED_BYTES = 320;

/** Encodes a message for delivery: the broker's header and annotations, then the client's bytes. */
export function encodeDelivery(content: MessageContent, own: BrokerAnnotations): Buffer {
  const source = Buffer.from(own.deadLetterSource ?? "");
  const { annotations, tail } = content;
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + source.length + annotations.length + tail.length);
  const headerEnd = writeHeader(bytes, content, own.deliveryCount);
  const end = writeAnnotations(bytes, { at: headerEnd, passed: annotations, own, source });
  tail.copy(bytes, end);
  return bytes.subarray(0, end + tail.length);
}

function writeHeader(bytes: Buffer, content: MessageContent, deliveryCount: number): number {
  bytes.set([0x00, 0x53, SECTION.header, 0xc0, 0, 5, content.durable ? 0x41 : 0x42], 0);
  bytes.set([0x50, content.priority], 7);
  const ttlEnd =
    content.ttlMs === undefined ? writeNull(bytes, 9) : writeUint(bytes, content.ttlMs, 9);
  const end = writeUint(bytes, deliveryCount, writeNull(bytes, ttlEnd));
  bytes[4] = end - 5;
  return end;
}

function writeAnnotations(
  bytes: Buffer,
  map: { at: number; passed: Buffer; own: BrokerAnnotations; source: Buffer },
): number {
  const { at, passed, own, source } = map;
  bytes.set([0x00, 0x53, SECTION.messageAnnotations, MAP32], at);
  const sizeAt = at + 4;
  let count = 6 + (passed.length > 0 ? countValues(passed) : 0);
  let end = writeLong(bytes, own.sequenceNumber, put(bytes, KEYS.sequenceNumber, sizeAt + 8));
  end = writeTimestamp(bytes, own.enqueuedAt, put(bytes, KEYS.enqueuedTime, end));
  end = writeInt(bytes, own.state, put(bytes, KEYS.state, end));
  if (own.lockedUntil !== undefined) {
    end = writeTimestamp(bytes, own.lockedUntil, put(bytes, KEYS.lockedUntil, end));
    count += 2;
  }
  if (own.enqueueSequenceNumber !== undefined) {
    end = writeLong(bytes, own.enqueueSequenceNumber, put(bytes, KEYS.enqueueSequenceNumber, end));
    count += 2;
  }
  if (source.length > 0) {
    end = writeString(bytes, source, put(bytes, KEYS.deadLetterSource, end));
    count += 2;
  }
  end = put(bytes, passed, end);
  bytes.writeUInt32BE(end - sizeAt - 4, sizeAt);
  bytes.writeUInt32BE(count, sizeAt + 4);
  return end;
}

function put(bytes: Buffer, part: Buffer, at: number): number {
  part.copy(bytes, at);
  return at + part.length;
}

function writeNull(bytes: Buffer, at: number): number {
  bytes[at] = NULL;
  return at + 1;
}

function writeUint(bytes: Buffer, value: number, at: number): number {
  bytes[at] = 0x70;
  return bytes.writeUInt32BE(value, at + 1);
}

function writeInt(bytes: Buffer, value: number, at: number): number {
  bytes[at] = 0x71;
  return bytes.writeInt32BE(value, at + 1);
}

function writeLong(bytes: Buffer, value: number, at: number): number {
  bytes[at] = 0x81;
  return bytes.writeBigInt64BE(BigInt(value), at + 1);
}

function writeTimestamp(bytes: Buffer, value: number, at: number): number {
  bytes[at] = 0x83;
  return bytes.writeBigInt64BE(BigInt(value), at + 1);
}

function writeString(bytes: Buffer, value: Buffer, at: number): number {
  bytes[at] = 0xb1;
  return put(bytes, value, bytes.writeUInt32BE(value.length, at + 1));
}

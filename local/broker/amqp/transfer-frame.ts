/** One transfer performative; rhea's encoder would cost more than everything else in a delivery. */
export interface TransferFrame {
  readonly channel: number;
  readonly handle: number;
  readonly deliveryId: number;
  readonly tag: Buffer;
  readonly isSettled: boolean;
  readonly hasMore: boolean;
  readonly payload: Buffer;
}

const FRAME_HEADER_BYTES = 8;
/** Frame header, performative without its tag, rounded up. */
export const TRANSFER_OVERHEAD_BYTES = 40;

/** Encodes a transfer as one frame, ready for the socket. */
export function encodeTransfer(frame: TransferFrame): Buffer {
  const { tag, payload } = frame;
  const bytes = Buffer.allocUnsafe(TRANSFER_OVERHEAD_BYTES + tag.length + payload.length);
  const at = writePerformative(bytes, frame);
  payload.copy(bytes, at);
  const length = at + payload.length;
  bytes.writeUInt32BE(length, 0);
  bytes.set([2, 0], 4);
  bytes.writeUInt16BE(frame.channel, 6);
  return bytes.subarray(0, length);
}

/** Writes list8 [handle, delivery-id, delivery-tag, message-format 0, settled, more]. */
function writePerformative(bytes: Buffer, frame: TransferFrame): number {
  const { handle, deliveryId, tag, isSettled, hasMore } = frame;
  bytes.set([0x00, 0x53, 0x14, 0xc0, 0, 6, 0x70], FRAME_HEADER_BYTES);
  let at = bytes.writeUInt32BE(handle, FRAME_HEADER_BYTES + 7);
  bytes[at] = 0x70;
  at = bytes.writeUInt32BE(deliveryId, at + 1);
  bytes.set([0xa0, tag.length], at);
  tag.copy(bytes, at + 2);
  at += 2 + tag.length;
  bytes.set([0x43, isSettled ? 0x41 : 0x42, hasMore ? 0x41 : 0x42], at);
  at += 3;
  bytes[FRAME_HEADER_BYTES + 4] = at - FRAME_HEADER_BYTES - 5;
  return at;
}

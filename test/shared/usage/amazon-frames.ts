import { crc32 } from "node:zlib";

/** One binary event as Amazon's services write it: lengths, headers of text, a payload, and two checksums. */
export function amazonFrame(eventType: string, payload: Uint8Array | object): Buffer {
  const body = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  const headers = Buffer.concat(
    Object.entries({
      ":event-type": eventType,
      ":content-type": "application/json",
      ":message-type": "event",
    }).map(([name, value]) => {
      const head = Buffer.from([name.length, ...Buffer.from(name), 7, 0, value.length]);
      return Buffer.concat([head, Buffer.from(value)]);
    }),
  );
  const frame = Buffer.alloc(16 + headers.length + body.length);
  frame.writeUInt32BE(frame.length, 0);
  frame.writeUInt32BE(headers.length, 4);
  frame.writeUInt32BE(crc32(frame.subarray(0, 8)), 8);
  headers.copy(frame, 12);
  frame.set(body, 12 + headers.length);
  frame.writeUInt32BE(crc32(frame.subarray(0, -4)), frame.length - 4);
  return frame;
}

/** An event of `InvokeModelWithResponseStream`: the maker's own, within. */
export const invokeFrame = (value: object): Buffer => {
  const bytes = Buffer.from(JSON.stringify(value)).toString("base64");
  return amazonFrame("chunk", { bytes, p: "abcdefgh" });
};

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** One request as its first frame came, and the connection to misbehave on. */
export interface RawStream {
  readonly id: number;
  readonly socket: TLSSocket;
  /** Which connection of this backend it came on, from 1. */
  readonly connection: number;
}

/** A backend without an HTTP/2 library: it sends the frames that its script says, right or wrong. */
export interface RawHttp2Backend extends AsyncDisposable {
  readonly origin: string;
  readonly streams: RawStream[];
}

/** RFC 9113, section 6. */
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;

/** Starts one on a free port of this machine. */
export async function startRawHttp2(script: (stream: RawStream) => void): Promise<RawHttp2Backend> {
  const streams: RawStream[] = [];
  const open = new Set<TLSSocket>();
  let connections = 0;
  const server = createServer({ ...TEST_CERTIFICATE, ALPNProtocols: ["h2"] }, (socket) => {
    const connection = ++connections;
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.write(frame(FRAME.settings, 0, 0));
    readFrames(socket, ({ type, flags, id, payload }) => {
      const isAck = (flags & ACK) !== 0;
      if (type === FRAME.settings && !isAck) socket.write(frame(FRAME.settings, ACK, 0));
      if (type === FRAME.ping && !isAck) socket.write(frame(FRAME.ping, ACK, 0, payload));
      if (type !== FRAME.headers) return;
      const stream = { id, socket, connection };
      streams.push(stream);
      script(stream);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    streams,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

function readFrames(socket: TLSSocket, onFrame: (frame: Frame) => void): void {
  let held = Buffer.alloc(0);
  let skippedBytes = PREFACE_BYTES;
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    const skipped = Math.min(skippedBytes, held.byteLength);
    skippedBytes -= skipped;
    held = held.subarray(skipped);
    while (held.byteLength >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + held.readUIntBE(0, 3);
      if (held.byteLength < end) return;
      const id = held.readUInt32BE(5) & 0x7fffffff;
      const payload = held.subarray(FRAME_HEAD_BYTES, end);
      const read = { type: held.readUInt8(3), flags: held.readUInt8(4), id, payload };
      held = held.subarray(end);
      onFrame(read);
    }
  });
}

/** A frame, whatever it says. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** A head, or what stands behind a body; the fields are sent as literals (RFC 7541, section 6.2.2). */
export function headersFrame(
  id: number,
  fields: readonly (readonly [name: string, value: string])[],
  isLast = false,
): Buffer {
  const literals = fields.map((field) =>
    Buffer.concat([Buffer.of(0), ...field.map(lengthAndText)]),
  );
  const flags = END_HEADERS | (isLast ? END_STREAM : 0);
  return frame(FRAME.headers, flags, id, Buffer.concat(literals));
}

const lengthAndText = (text: string): Buffer =>
  Buffer.concat([Buffer.of(text.length), Buffer.from(text, "latin1")]);

/** Bytes of an answer that are not its last ones. */
export const dataFrame = (id: number, text: string): Buffer =>
  frame(FRAME.data, 0, id, Buffer.from(text));

/** The last bytes of an answer. */
export const lastFrame = (id: number, text: string): Buffer =>
  frame(FRAME.data, END_STREAM, id, Buffer.from(text));

/** Numbers as they stand in frames. */
export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

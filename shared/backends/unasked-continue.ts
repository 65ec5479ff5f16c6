import type { Socket } from "node:net";

const CONTINUE = Buffer.from("HTTP/1.1 100");
const LAST_DIGIT = CONTINUE.length - 1;
const FIRST_DIGIT = LAST_DIGIT - 2;
const OF_INTERIM = 0x31;
const OF_PROCESSING = 0x32;

/**
 * Has `100 Continue` read as another interim answer, which undici passes over: it takes this one for a broken
 * connection where nobody asked for it, while some servers send it to every request with a body, and whoever
 * asks must bear with that (RFC 9110, section 15.2).
 */
export function passOverContinue(socket: Socket, isAwaited: () => boolean): void {
  const read = socket.read.bind(socket);
  const tolerant = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (chunk instanceof Buffer && isAwaited() && begins(chunk)) chunk[LAST_DIGIT] = OF_PROCESSING;
    return chunk;
  };
  socket.read = tolerant;
}

// The digit first: every answer passes here, and nearly none is an interim one.
const begins = (chunk: Buffer): boolean =>
  chunk[FIRST_DIGIT] === OF_INTERIM &&
  chunk.length >= CONTINUE.length &&
  chunk.compare(CONTINUE, 0, CONTINUE.length, 0, CONTINUE.length) === 0;

import { codeOf, type UnseenBy } from "./backend-failure.ts";
import type { Line } from "./connection.ts";

// By then a backend has the request if it is ever to have it; a call that breaks later is its doing.
const CROSSING_MS = 1000;
const LOST_CONNECTION = new Set(["UND_ERR_SOCKET", "ECONNRESET", "ECONNABORTED", "EPIPE"]);
const REFUSED_STREAM = 7;

/**
 * How a request went out, from which it follows whether its backend can have seen it when its connection
 * breaks. Scope: one call.
 */
export class Departure {
  readonly #line: Line;
  readonly #isKept: boolean;
  readonly #at: number;
  readonly #bytesRead: number;
  readonly #isAgain: boolean;

  /** `isAgain`: undici has sent it before. */
  constructor(line: Line, { nowMs, isAgain }: { nowMs: number; isAgain: boolean }) {
    this.#line = line;
    this.#isAgain = isAgain;
    this.#isKept = line.hasServed;
    this.#at = nowMs;
    this.#bytesRead = line.bytesRead;
    if (line.isShared) line.look(nowMs);
  }

  /**
   * By what a request of which no answer has begun may be sent once more at no risk to anybody: its
   * connection was kept from an earlier one and closed as the request crossed the wire (RFC 9112, section
   * 9.3.1), or the backend itself says that it left the request alone (RFC 9113, section 8.7).
   */
  unseenBy(error: unknown, nowMs: number): UnseenBy | undefined {
    // What is in memory undici sends again by itself; once is enough.
    if (this.#isAgain) return undefined;
    if (isRefusedStream(error)) return "refused";
    if (!this.#isKept || !LOST_CONNECTION.has(codeOf(error))) return undefined;
    if (nowMs - this.#at > CROSSING_MS) return undefined;
    // In HTTP/2 others' answers come on it too.
    const isUnanswered = this.#line.isShared || this.#line.bytesRead === this.#bytesRead;
    return isUnanswered ? "closed" : undefined;
  }
}

function isRefusedStream(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("http2ErrorCode" in error && error.http2ErrorCode === REFUSED_STREAM) return true;
  return error.message.startsWith('HTTP/2: "GOAWAY" frame received');
}

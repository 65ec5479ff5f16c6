const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const EMPTY = Buffer.alloc(0);

/** Finds the end of one HTTP/1.1 answer with a length or in chunks, and nothing else. Scope: one answer. */
export class AnswerReader {
  status = 0;
  #isChunked = false;
  #hasHead = false;
  #isLastChunk = false;
  /** Bytes of the body, or of the current chunk and its line end, that are still to come. */
  #left = 0;
  #rest: Buffer = EMPTY;

  /** Takes bytes; true when the answer is complete. */
  push(chunk: Buffer): boolean {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = EMPTY;
    if (!this.#hasHead) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0) return this.#keep(bytes);
      this.#readHead(bytes.toString("latin1", 0, end));
      bytes = bytes.subarray(end + HEAD_END.length);
    }
    return this.#isChunked ? this.#walk(bytes) : this.#count(bytes);
  }

  #readHead(head: string): void {
    this.#hasHead = true;
    this.status = Number(head.slice(9, 12));
    this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    this.#left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  }

  #count(bytes: Buffer): boolean {
    this.#left -= bytes.length;
    return this.#left <= 0;
  }

  #walk(bytes: Buffer): boolean {
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#left, bytes.length - at);
      at += skipped;
      this.#left -= skipped;
      if (this.#left > 0) return false;
      if (this.#isLastChunk) return true;
      const end = bytes.indexOf(LINE_END, at);
      if (end < 0) return this.#keep(bytes.subarray(at));
      const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
      this.#isLastChunk = size === 0;
      this.#left = size + LINE_END.length;
      at = end + LINE_END.length;
    }
  }

  #keep(bytes: Buffer): boolean {
    this.#rest = bytes;
    return false;
  }
}

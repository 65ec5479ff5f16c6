/** What a token of text takes, about. */
export const BYTES_PER_TOKEN = 4;
// About what models take a picture for, however many bytes it has.
const ATTACHMENT_TOKENS = 1000;
// So far apart a body is looked at: attachments are longer, and a look costs nearly nothing.
const STRIDE_BYTES = 512;
// Text and JSON have blanks and marks nearer to each other than that.
const DENSE_BYTES = 32;

const IS_BASE64 = new Uint8Array(256);
for (const char of Buffer.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_",
)) {
  IS_BASE64[char] = 1;
}

/**
 * Estimates a prompt's tokens by its size. Pictures, sounds and files, which come as base64 in whatever
 * provider's form, count by the piece: by their bytes a photograph would be more than most limits ever
 * have room for. Scope: one body.
 */
export class PromptMeter {
  #tokens = 0;
  #denseBytes = 0;

  /** What was read so far. */
  get tokens(): number {
    return Math.ceil(this.#tokens + attachmentTokens(this.#denseBytes));
  }

  read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; at += STRIDE_BYTES) {
      const bytes = Math.min(STRIDE_BYTES, chunk.byteLength - at);
      if (isDense(chunk, at)) this.#denseBytes += bytes;
      else {
        this.#tokens += bytes / BYTES_PER_TOKEN + attachmentTokens(this.#denseBytes);
        this.#denseBytes = 0;
      }
    }
  }
}

const attachmentTokens = (bytes: number): number =>
  Math.min(bytes / BYTES_PER_TOKEN, ATTACHMENT_TOKENS);

/** Whether base64 stands here; a chunk's last bytes may be too few to tell. */
function isDense(bytes: Uint8Array, from: number): boolean {
  const end = Math.min(from + DENSE_BYTES, bytes.byteLength);
  for (let at = from; at < end; at++) if (!IS_BASE64[bytes[at] ?? 0]) return false;
  return true;
}

import { asBuffer } from "../../core/bytes.ts";
import { GatewayError } from "../../core/errors.ts";
import { type BatchLine, parseBatchLine } from "../../jobs/index.ts";

export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxLines: number;
  /** Why a line may not ask for a path; undefined where it may. */
  faultOf(url: string): string | undefined;
}

const PIECE_LINES = 100;
const PIECE_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** Reads a batch's file piece by piece. Throws with the number of the first line that is wrong. */
export async function* readBatchLines(
  body: AsyncIterable<Uint8Array>,
  { maxBytes, maxLines, faultOf }: BatchLimits,
): AsyncGenerator<readonly BatchLine[]> {
  const seen = new Map<string, number>();
  let [piece, pieceBytes, number]: [BatchLine[], number, number] = [[], 0, 0];
  for await (const bytes of linesOf(body, maxBytes)) {
    number += 1;
    const text = bytes.toString().trim();
    if (text === "") continue;
    const line = parseBatchLine(text);
    if (typeof line === "string") throw wrong(number, line);
    const fault = faultOf(line.url);
    if (fault !== undefined)
      throw new GatewayError("header-not-allowed", `Line ${number}: ${fault}`);
    const earlier = seen.get(line.customId);
    if (earlier !== undefined) throw wrong(number, `has the custom_id of line ${earlier}`);
    if (seen.size === maxLines) {
      throw new GatewayError("request-too-large", `A batch has at most ${maxLines} lines.`);
    }
    seen.set(line.customId, number);
    piece.push(line);
    pieceBytes += bytes.byteLength;
    if (piece.length < PIECE_LINES && pieceBytes < PIECE_BYTES) continue;
    yield piece;
    [piece, pieceBytes] = [[], 0];
  }
  if (piece.length > 0) yield piece;
}

const wrong = (number: number, what: string): GatewayError =>
  new GatewayError("bad-request", `Line ${number} ${what}.`);

async function* linesOf(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let totalBytes = 0;
  for await (const chunk of body) {
    totalBytes += chunk.byteLength;
    if (totalBytes > maxBytes) {
      throw new GatewayError("request-too-large", `A batch has at most ${maxBytes} bytes.`);
    }
    const bytes = asBuffer(chunk);
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      yield Buffer.concat([...rest, bytes.subarray(from, at)]);
      rest = [];
      from = at + 1;
    }
    if (from < bytes.length) rest.push(bytes.subarray(from));
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}

import zlib from "node:zlib";
import { asBuffer } from "../../core/bytes.ts";

type Decode = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer;

// https://www.rfc-editor.org/rfc/rfc1950#section-2.2
const [METHOD_BITS, DEFLATE] = [0x0f, 0x08];

const DECODERS: Readonly<Record<string, Decode | undefined>> = {
  gzip: zlib.gunzipSync,
  "x-gzip": zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  // Some senders leave the frame away that belongs around it.
  deflate: (bytes, options) =>
    ((bytes[0] ?? 0) & METHOD_BITS) === DEFLATE
      ? zlib.inflateSync(bytes, options)
      : zlib.inflateRawSync(bytes, options),
  // Since Node 22.15.
  zstd: zlib.zstdDecompressSync,
};

// Two is what a proxy makes of what was coded already; who names more asks for work alone.
const MAX_CODINGS = 4;

/**
 * The text of a short body as it was before its codings, which are in the order in which they were applied;
 * empty where that cannot be told.
 */
export function decodedText(
  bytes: Uint8Array,
  codings: readonly string[],
  maxOutputLength: number,
): string {
  if (codings.length > MAX_CODINGS) return "";
  let decoded = asBuffer(bytes);
  try {
    for (const coding of codings.toReversed()) {
      const decode = DECODERS[coding];
      // Some senders name the text's encoding there.
      if (decode) decoded = decode(decoded, { maxOutputLength });
    }
    return decoded.toString();
  } catch {
    return "";
  }
}

import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { asBuffer } from "../../core/bytes.ts";

/** The text of a short body as it was before its `Content-Encoding`; empty where that cannot be told. */
export function decodedText(
  bytes: Uint8Array,
  encoding: string | undefined,
  maxOutputLength: number,
): string {
  const options = { maxOutputLength };
  try {
    switch (encoding?.trim().toLowerCase()) {
      case "gzip":
        return gunzipSync(bytes, options).toString();
      case "br":
        return brotliDecompressSync(bytes, options).toString();
      case "deflate":
        return inflateSync(bytes, options).toString();
      default:
        return asBuffer(bytes).toString();
    }
  } catch {
    return "";
  }
}

import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { contentCodings } from "../../../../shared/core/content-codings.ts";
import { decodedText } from "../../../../shared/gateway/calls/decoded-text.ts";

const TEXT = '{"error":{"message":"Unrecognized: stream_options ü"}}';
const MAX_BYTES = 4096;
const decoded = (bytes: Uint8Array, header: string, maxBytes = MAX_BYTES): string =>
  decodedText(bytes, contentCodings([["Content-Encoding", header]]), maxBytes);

const CODINGS: readonly (readonly [string, (text: string) => Uint8Array])[] = [
  ["identity", (text) => Buffer.from(text)],
  ["gzip", zlib.gzipSync],
  ["X-GZIP ", zlib.gzipSync],
  ["br", zlib.brotliCompressSync],
  ["deflate", zlib.deflateSync],
  ["deflate", zlib.deflateRawSync],
  ["zstd", zlib.zstdCompressSync],
];

describe("decodedText", () => {
  it.each(CODINGS)("undoes a coding: %s", (header, compress) => {
    expect(decoded(compress(TEXT), header)).toBe(TEXT);
  });

  it("undoes several, the last one first, in one line or several", () => {
    const bytes = zlib.brotliCompressSync(zlib.gzipSync(TEXT));
    expect(decoded(bytes, "gzip, br")).toBe(TEXT);
    const lines = ["gzip", "identity", "br"].map((coding) => ["content-encoding", coding] as const);
    expect(decodedText(bytes, contentCodings(lines), MAX_BYTES)).toBe(TEXT);
    expect(decoded(bytes, "br, gzip")).toBe("");
  });

  it("takes for a text what names no coding but a text's encoding", () => {
    expect(decoded(Buffer.from(TEXT), "utf-8")).toBe(TEXT);
  });

  it("is empty for what cannot be decoded, and for what unpacks to more than is wanted", () => {
    expect(decoded(Buffer.from(TEXT), "gzip")).toBe("");
    expect(decoded(zlib.gzipSync("x".repeat(5000)), "gzip")).toBe("");
    expect(decoded(zlib.gzipSync(zlib.gzipSync("x".repeat(5000))), "gzip, gzip")).toBe("");
  });
});

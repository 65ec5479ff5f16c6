import { type AnswerUsage, UsageReader } from "../../../shared/usage/index.ts";
import type { RecordedAnswer } from "./recorded-shapes.ts";

interface Reading {
  readonly type: string;
  readonly coding?: string;
  readonly isWhole?: boolean;
}

/** What a reader says of an answer that comes in these pieces. */
export function read(
  chunks: readonly Uint8Array[],
  { type, coding, isWhole = true }: Reading,
): Promise<AnswerUsage> {
  const codingHeader = coding === undefined ? [] : [["Content-Encoding", coding] as const];
  const reader = new UsageReader([["Content-Type", `${type}; charset=utf-8`], ...codingHeader]);
  for (const chunk of chunks) reader.read(chunk);
  return reader.end(isWhole);
}

/** Cuts bytes at the given places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...[...places].sort((a, b) => a - b), bytes.byteLength];
  return at.slice(0, -1).map((start, n) => bytes.subarray(start, at[n + 1]));
}

export const bytesOf = ({ text }: RecordedAnswer): Buffer => Buffer.from(text);
export const SSE = { type: "text/event-stream" };
export const JSON_TYPE = { type: "application/json" };

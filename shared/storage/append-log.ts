import type { AppendBlobClient, ContainerClient } from "@azure/storage-blob";
import { asBuffer } from "../core/bytes.ts";
import { withinLimit } from "./call-limit.ts";
import { statusOf, withStorage } from "./storage-error.ts";

/** A blob that grows at its end, with one writer. Scope: one blob. */
export interface AppendLog {
  /** Adds bytes behind those that are there. Never twice, though the service's answer may get lost. */
  append(bytes: Uint8Array): Promise<void>;
}

export interface AppendLogOptions {
  readonly name: string;
  readonly contentType: string;
  /** How long the service may take for a call. */
  readonly timeoutMs: number;
}

/** Makes an empty blob that can be appended to; its name must be new. */
export function createAppendLog(
  container: ContainerClient,
  { name, contentType, timeoutMs }: AppendLogOptions,
): Promise<AppendLog> {
  return withStorage("Making a blob", async () => {
    const blob = container.getAppendBlobClient(name);
    const blobHTTPHeaders = { blobContentType: contentType };
    await withinLimit(timeoutMs, ({ signal }) =>
      blob.create({ blobHTTPHeaders, abortSignal: signal }),
    );
    let sizeBytes = 0;
    return {
      append: (bytes) =>
        withStorage("Writing a blob", async () => {
          await withinLimit(timeoutMs, ({ signal }) =>
            appendAt(blob, { position: sizeBytes, bytes, abortSignal: signal }),
          );
          sizeBytes += bytes.byteLength;
        }),
    };
  });
}

interface Addition {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly abortSignal: AbortSignal;
}

/** The library repeats a call whose answer got lost; the position tells a repetition from a new block. */
async function appendAt(
  blob: AppendBlobClient,
  { position, bytes, abortSignal }: Addition,
): Promise<void> {
  const whole = asBuffer(bytes);
  try {
    await blob.appendBlock(whole, whole.byteLength, {
      conditions: { appendPosition: position },
      abortSignal,
    });
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
    const { contentLength } = await blob.getProperties({ abortSignal });
    if (contentLength !== position + whole.byteLength) throw error;
  }
}

import type { AppendBlobClient, ContainerClient } from "@azure/storage-blob";
import { asBuffer } from "../core/bytes.ts";
import { statusOf, withStorage } from "./storage-error.ts";

/** A blob that grows at its end, with one writer. Scope: one blob. */
export interface AppendLog {
  /** Adds bytes behind those that are there. Never twice, though the service's answer may get lost. */
  append(bytes: Uint8Array): Promise<void>;
}

/** Makes an empty blob that can be appended to; its name must be new. */
export function createAppendLog(
  container: ContainerClient,
  name: string,
  contentType: string,
): Promise<AppendLog> {
  return withStorage("Making a blob", async () => {
    const blob = container.getAppendBlobClient(name);
    await blob.create({ blobHTTPHeaders: { blobContentType: contentType } });
    let sizeBytes = 0;
    return {
      append: (bytes) =>
        withStorage("Writing a blob", async () => {
          await appendAt(blob, sizeBytes, bytes);
          sizeBytes += bytes.byteLength;
        }),
    };
  });
}

/** The library repeats a call whose answer got lost; the position tells a repetition from a new block. */
async function appendAt(
  blob: AppendBlobClient,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  const whole = asBuffer(bytes);
  try {
    await blob.appendBlock(whole, whole.byteLength, {
      conditions: { appendPosition: position },
    });
  } catch (error) {
    if (statusOf(error) !== 412) throw error;
    const { contentLength } = await blob.getProperties();
    if (contentLength !== position + whole.byteLength) throw error;
  }
}

import { Readable } from "node:stream";
import type { BlobServiceClient, BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { asBuffer, collectBytes } from "../core/bytes.ts";
import { type AppendLog, createAppendLog } from "./append-log.ts";
import { CALL_LIMIT_MS, CallLimit, withinLimit } from "./call-limit.ts";
import { copyBlob } from "./copy-blob.ts";
import { LimitedBody } from "./limited-body.ts";
import { statusOf, withStorage } from "./storage-error.ts";
import { BLOCK_BYTES, type UploadOptions, uploadBody } from "./upload-body.ts";

/** A blob that can be read. */
export interface BlobContent {
  readonly sizeBytes: number;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Which bytes of a blob. */
export interface BlobRange {
  readonly from: number;
  readonly count: number;
}

// What is longer goes in blocks, each of which has its own time.
const MAX_PUT_BYTES = 4 * BLOCK_BYTES;
// A copy is several calls, and those that ask whether it is done.
const COPY_CALLS = 3;

/** Opens the blob service of a connection; the library loads on first use. */
export async function openBlobService(connection: StorageConnection): Promise<BlobServiceClient> {
  const { BlobServiceClient } = await import("@azure/storage-blob");
  return connection.kind === "connectionString"
    ? BlobServiceClient.fromConnectionString(connection.connectionString)
    : new BlobServiceClient(
        connection.blobServiceUri,
        await identityCredential(connection.clientId),
      );
}

/** One container, made when it is first used and absent. Scope: per instance. */
export class BlobContainer {
  readonly #open: () => Promise<BlobServiceClient>;
  readonly #name: string;
  readonly #timeoutMs: number;
  #container: Promise<ContainerClient> | undefined;

  constructor(open: () => Promise<BlobServiceClient>, name: string, timeoutMs = CALL_LIMIT_MS) {
    this.#open = open;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  write(name: string, bytes: Uint8Array, contentType?: string): Promise<void> {
    return withStorage("Writing a blob", async () => {
      const blob = (await this.#ready()).getBlockBlobClient(name);
      const options = { ...typed(contentType), timeoutMs: this.#timeoutMs };
      if (bytes.byteLength > MAX_PUT_BYTES) await uploadBody(blob, [bytes], options);
      else await this.#put(blob, bytes, options);
    });
  }

  /** Streams a body into a blob and returns its size; a body that breaks leaves no blob. */
  async writeStream(
    name: string,
    body: AsyncIterable<Uint8Array>,
    contentType?: string,
  ): Promise<number> {
    let sourceError: unknown;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* body;
      } catch (error) {
        sourceError = error;
        throw error;
      }
    }
    try {
      const blob = (await this.#ready()).getBlockBlobClient(name);
      const options = { ...typed(contentType), timeoutMs: this.#timeoutMs };
      return await uploadBody(blob, watched(), options);
    } catch (error) {
      // Whose fault it was decides what happens next: the backend's is retried elsewhere.
      if (sourceError !== undefined) throw sourceError;
      return withStorage("Writing a blob", () => Promise.reject(error));
    }
  }

  async read(name: string): Promise<Uint8Array> {
    const { body } = await withStorage("Reading a blob", () => this.#download(name));
    return await collectBytes(body, Number.POSITIVE_INFINITY);
  }

  /** Streams a blob, or a range of it; undefined when there is none of that name. */
  readStream(name: string, range?: BlobRange): Promise<BlobContent | undefined> {
    return withStorage("Reading a blob", () => unlessAbsent(() => this.#download(name, range)));
  }

  /** A blob's size in bytes; undefined when there is none of that name. */
  sizeOf(name: string): Promise<number | undefined> {
    return withStorage("Reading a blob", () =>
      unlessAbsent(async () => {
        const blob = (await this.#ready()).getBlobClient(name);
        const found = await this.#within((abortSignal) => blob.getProperties({ abortSignal }));
        return found.contentLength ?? 0;
      }),
    );
  }

  /** A new blob that grows at its end. */
  async createLog(name: string, contentType: string): Promise<AppendLog> {
    const container = await withStorage("Making a blob", () => this.#ready());
    return createAppendLog(container, { name, contentType, timeoutMs: this.#timeoutMs });
  }

  /** Copies a blob of another container here, whole and at most once; false when there is none. */
  copyFrom(container: BlobContainer, source: string, name: string): Promise<boolean> {
    return withStorage("Copying a blob", async () => {
      const copy = {
        source: (await container.#ready()).getBlobClient(source),
        target: (await this.#ready()).getBlobClient(name),
      };
      return withinLimit(COPY_CALLS * this.#timeoutMs, ({ signal }) =>
        copyBlob({ ...copy, abortSignal: signal }),
      );
    });
  }

  remove(name: string): Promise<void> {
    return withStorage("Removing a blob", async () => {
      const blob = (await this.#ready()).getBlobClient(name);
      await this.#within((abortSignal) => blob.deleteIfExists({ abortSignal }));
    });
  }

  /** Removes every blob whose name begins so. */
  removeAll(prefix: string): Promise<void> {
    return withStorage("Removing blobs", async () => {
      const container = await this.#ready();
      await withinLimit(this.#timeoutMs, async (limit) => {
        const { signal: abortSignal } = limit;
        for await (const { name } of container.listBlobsFlat({ prefix, abortSignal })) {
          limit.restart();
          await container.getBlobClient(name).deleteIfExists({ abortSignal });
          limit.restart();
        }
      });
    });
  }

  async #put(blob: BlockBlobClient, bytes: Uint8Array, options: UploadOptions): Promise<void> {
    const blocks = Math.ceil(Math.max(1, bytes.byteLength) / BLOCK_BYTES);
    const { timeoutMs, ...put } = options;
    await withinLimit(blocks * timeoutMs, ({ signal: abortSignal }) =>
      blob.upload(asBuffer(bytes), bytes.byteLength, { ...put, abortSignal }),
    );
  }

  async #download(name: string, range?: BlobRange): Promise<BlobContent> {
    const blob = (await this.#ready()).getBlobClient(name);
    // It outlives this call: its signal is the body's too.
    const limit = new CallLimit(this.#timeoutMs);
    const { signal: abortSignal } = limit;
    try {
      const found = await blob.download(range?.from ?? 0, range?.count, { abortSignal });
      const body = found.readableStreamBody as Readable | undefined;
      return {
        sizeBytes: found.contentLength ?? 0,
        body: new LimitedBody(body ?? Readable.from([]), limit),
      };
    } catch (error) {
      throw abortSignal.aborted ? abortSignal.reason : error;
    } finally {
      limit.pause();
    }
  }

  #within<Result>(call: (abortSignal: AbortSignal) => Promise<Result>): Promise<Result> {
    return withinLimit(this.#timeoutMs, ({ signal }) => call(signal));
  }

  #ready(): Promise<ContainerClient> {
    this.#container ??= this.#create().catch((error: unknown) => {
      // The next caller tries again: a storage that was away must not be remembered as absent.
      this.#container = undefined;
      throw error;
    });
    return this.#container;
  }

  async #create(): Promise<ContainerClient> {
    const container = (await this.#open()).getContainerClient(this.#name);
    await this.#within((abortSignal) => container.createIfNotExists({ abortSignal }));
    return container;
  }
}

const typed = (blobContentType: string | undefined) =>
  blobContentType === undefined ? {} : { blobHTTPHeaders: { blobContentType } };

async function unlessAbsent<Found>(find: () => Promise<Found>): Promise<Found | undefined> {
  try {
    return await find();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

import { Readable } from "node:stream";
import type { BlobServiceClient, ContainerClient } from "@azure/storage-blob";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { statusOf, withStorage } from "./storage-error.ts";

// Blocks of a streamed upload: at most two are held in memory.
const UPLOAD_BLOCK_BYTES = 1024 * 1024;
const UPLOAD_CONCURRENCY = 2;

/** A blob that can be read. */
export interface BlobContent {
  readonly sizeBytes: number;
  readonly body: AsyncIterable<Uint8Array>;
}

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
  #container: Promise<ContainerClient> | undefined;

  constructor(open: () => Promise<BlobServiceClient>, name: string) {
    this.#open = open;
    this.#name = name;
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return withStorage("Writing a blob", async () => {
      const blob = (await this.#ready()).getBlockBlobClient(name);
      await blob.upload(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        bytes.byteLength,
      );
    });
  }

  /** Streams a body into a blob and returns its size; a body that breaks leaves no blob. */
  async writeStream(name: string, body: AsyncIterable<Uint8Array>): Promise<number> {
    let sizeBytes = 0;
    let sourceError: unknown;
    async function* counted(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of body) {
          sizeBytes += chunk.byteLength;
          yield chunk;
        }
      } catch (error) {
        sourceError = error;
        throw error;
      }
    }
    const blob = (await this.#ready()).getBlockBlobClient(name);
    try {
      const stream = Readable.from(counted(), { objectMode: false });
      await blob.uploadStream(stream, UPLOAD_BLOCK_BYTES, UPLOAD_CONCURRENCY);
    } catch (error) {
      // Whose fault it was decides what happens next: the backend's is retried elsewhere.
      if (sourceError !== undefined) throw sourceError;
      await withStorage("Writing a blob", () => Promise.reject(error));
    }
    return sizeBytes;
  }

  read(name: string): Promise<Uint8Array> {
    return withStorage("Reading a blob", async () =>
      (await this.#ready()).getBlobClient(name).downloadToBuffer(),
    );
  }

  /** Streams a blob; undefined when there is none of that name. */
  readStream(name: string): Promise<BlobContent | undefined> {
    return withStorage("Reading a blob", async () => {
      try {
        const found = await (await this.#ready()).getBlobClient(name).download();
        const body = found.readableStreamBody as Readable | undefined;
        return { sizeBytes: found.contentLength ?? 0, body: body ?? Readable.from([]) };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  remove(name: string): Promise<void> {
    return withStorage("Removing a blob", async () => {
      await (await this.#ready()).getBlobClient(name).deleteIfExists();
    });
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
    await container.createIfNotExists();
    return container;
  }
}

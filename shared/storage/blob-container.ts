import { Readable } from "node:stream";
import type { BlobServiceClient, ContainerClient } from "@azure/storage-blob";
import type { StorageConnection } from "../config/index.ts";
import { identityCredential } from "../connections/index.ts";
import { asBuffer } from "../core/bytes.ts";
import { type AppendLog, createAppendLog } from "./append-log.ts";
import { copyBlob } from "./copy-blob.ts";
import { statusOf, withStorage } from "./storage-error.ts";
import { uploadBody } from "./upload-body.ts";

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

  write(name: string, bytes: Uint8Array, contentType?: string): Promise<void> {
    return withStorage("Writing a blob", async () => {
      const blob = (await this.#ready()).getBlockBlobClient(name);
      await blob.upload(asBuffer(bytes), bytes.byteLength, typed(contentType));
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
    const blob = (await this.#ready()).getBlockBlobClient(name);
    try {
      return await uploadBody(blob, watched(), typed(contentType));
    } catch (error) {
      // Whose fault it was decides what happens next: the backend's is retried elsewhere.
      if (sourceError !== undefined) throw sourceError;
      return withStorage("Writing a blob", () => Promise.reject(error));
    }
  }

  read(name: string): Promise<Uint8Array> {
    return withStorage("Reading a blob", async () =>
      (await this.#ready()).getBlobClient(name).downloadToBuffer(),
    );
  }

  /** Streams a blob, or a range of it; undefined when there is none of that name. */
  readStream(name: string, range?: BlobRange): Promise<BlobContent | undefined> {
    return withStorage("Reading a blob", () =>
      unlessAbsent(async () => {
        const blob = (await this.#ready()).getBlobClient(name);
        const found = await blob.download(range?.from ?? 0, range?.count);
        const body = found.readableStreamBody as Readable | undefined;
        return { sizeBytes: found.contentLength ?? 0, body: body ?? Readable.from([]) };
      }),
    );
  }

  /** A blob's size in bytes; undefined when there is none of that name. */
  sizeOf(name: string): Promise<number | undefined> {
    return withStorage("Reading a blob", () =>
      unlessAbsent(async () => {
        const found = await (await this.#ready()).getBlobClient(name).getProperties();
        return found.contentLength ?? 0;
      }),
    );
  }

  /** A new blob that grows at its end. */
  async createLog(name: string, contentType: string): Promise<AppendLog> {
    return createAppendLog(await this.#ready(), name, contentType);
  }

  /** Copies a blob of another container here, whole and at most once; false when there is none. */
  copyFrom(container: BlobContainer, source: string, name: string): Promise<boolean> {
    return withStorage("Copying a blob", async () =>
      copyBlob({
        source: (await container.#ready()).getBlobClient(source),
        target: (await this.#ready()).getBlobClient(name),
      }),
    );
  }

  remove(name: string): Promise<void> {
    return withStorage("Removing a blob", async () => {
      await (await this.#ready()).getBlobClient(name).deleteIfExists();
    });
  }

  /** Removes every blob whose name begins so. */
  removeAll(prefix: string): Promise<void> {
    return withStorage("Removing blobs", async () => {
      const container = await this.#ready();
      for await (const { name } of container.listBlobsFlat({ prefix })) {
        await container.getBlobClient(name).deleteIfExists();
      }
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

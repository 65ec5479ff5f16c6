import { GatewayError } from "../../shared/core/errors.ts";
import type { BlobContainer } from "../../shared/storage/index.ts";

/** Blobs in memory, in the shape of the storage room's container. Scope: one test. */
export class MemoryBlobs {
  /** These blobs where the storage room's are expected: a class with private fields has no other equal. */
  get asContainer(): BlobContainer {
    return this as unknown as BlobContainer;
  }

  readonly blobs = new Map<string, Buffer>();
  readonly removed: string[] = [];
  /** How many blocks were appended to logs. */
  appends = 0;
  readonly #sources = new Map<string, string>();
  /** Set it to make every call fail as an unreachable storage does. */
  isAway = false;

  async write(name: string, bytes: Uint8Array): Promise<void> {
    this.#knock();
    this.blobs.set(name, Buffer.from(bytes));
  }

  async writeStream(name: string, body: AsyncIterable<Uint8Array>): Promise<number> {
    this.#knock();
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    this.blobs.set(name, bytes);
    return bytes.byteLength;
  }

  async read(name: string): Promise<Uint8Array> {
    this.#knock();
    const bytes = this.blobs.get(name);
    if (!bytes) {
      const cause = Object.assign(new Error(`There is no blob ${name}.`), { statusCode: 404 });
      throw new GatewayError("storage-unavailable", "Reading a blob failed.", { cause });
    }
    return bytes;
  }

  async readStream(name: string, range?: { from: number; count: number }) {
    this.#knock();
    const whole = this.blobs.get(name);
    const bytes = range ? whole?.subarray(range.from, range.from + range.count) : whole;
    if (!bytes) return undefined;
    async function* body(): AsyncGenerator<Uint8Array> {
      if (bytes) yield bytes;
    }
    return { sizeBytes: bytes.byteLength, body: body() };
  }

  async sizeOf(name: string): Promise<number | undefined> {
    this.#knock();
    return this.blobs.get(name)?.byteLength;
  }

  /** As the service does it: all at once, and not again where the same source was copied. */
  async copyFrom(container: MemoryBlobs, source: string, name: string): Promise<boolean> {
    this.#knock();
    if (this.#sources.get(name) === source && this.blobs.has(name)) return true;
    const bytes = container.blobs.get(source);
    if (!bytes) return false;
    this.#sources.set(name, source);
    this.blobs.set(name, bytes);
    return true;
  }

  async createLog(name: string): Promise<{ append(bytes: Uint8Array): Promise<void> }> {
    this.#knock();
    this.blobs.set(name, Buffer.alloc(0));
    return {
      append: async (bytes) => {
        this.#knock();
        this.appends += 1;
        this.blobs.set(name, Buffer.concat([this.blobs.get(name) ?? Buffer.alloc(0), bytes]));
      },
    };
  }

  async removeAll(prefix: string): Promise<void> {
    for (const name of [...this.blobs.keys()]) if (name.startsWith(prefix)) await this.remove(name);
  }

  async remove(name: string): Promise<void> {
    this.#knock();
    this.removed.push(name);
    this.blobs.delete(name);
  }

  #knock(): void {
    if (this.isAway) throw new GatewayError("storage-unavailable", "The storage is away.");
  }
}

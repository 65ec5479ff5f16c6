import { GatewayError } from "../../shared/core/errors.ts";

/** Blobs in memory, in the shape of the storage room's container. Scope: one test. */
export class MemoryBlobs {
  readonly blobs = new Map<string, Buffer>();
  readonly removed: string[] = [];
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
    if (!bytes) throw new GatewayError("storage-unavailable", `There is no blob ${name}.`);
    return bytes;
  }

  async readStream(name: string) {
    this.#knock();
    const bytes = this.blobs.get(name);
    if (!bytes) return undefined;
    async function* body(): AsyncGenerator<Uint8Array> {
      if (bytes) yield bytes;
    }
    return { sizeBytes: bytes.byteLength, body: body() };
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

import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READ_BYTES = 64 * 1024;

/** Raised when the temporary file fails: it is neither the sender's nor the reader's doing. */
export class SpoolError extends Error {
  override readonly name = "SpoolError";
}

/** A temporary file for bytes that are too many for memory. Scope: one body. */
export class SpoolFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #closing: Promise<void> | undefined;
  #isUnlinked = false;

  static async open(folder = tmpdir()): Promise<SpoolFile> {
    const path = join(folder, `gateway-body-${randomUUID()}`);
    const handle = await open(path, "wx+", 0o600).catch((cause: unknown) => {
      throw new SpoolError("A temporary file could not be made.", { cause });
    });
    const file = new SpoolFile(path, handle);
    // Without a name it vanishes with the process, however that ends. Windows keeps open files.
    file.#isUnlinked = await unlink(path).then(
      () => true,
      () => false,
    );
    return file;
  }

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async append(chunk: Uint8Array): Promise<void> {
    try {
      await this.#handle.appendFile(chunk);
    } catch (cause) {
      throw new SpoolError("A temporary file could not be written.", { cause });
    }
  }

  /** Everything that was written, from the first byte on; as often as wanted, also at once. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let position = 0; ; ) {
      const block = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await this.#handle.read(block, 0, READ_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield block.subarray(0, bytesRead);
    }
  }

  /** Lets go of the file; calling it again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch(() => {});
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#handle.close();
    if (!this.#isUnlinked) await unlink(this.#path);
  }
}

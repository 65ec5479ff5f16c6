import { appendFile, rename, rm, stat } from "node:fs/promises";

export interface RotatingFileOptions {
  readonly path: string;
  /** A file that would grow beyond it is put aside before. */
  readonly maxBytes: number;
  /** How many there are at most, the current one included; the oldest goes. */
  readonly files: number;
}

/**
 * A file to which lines are added; full ones are kept beside it as `name.1`, `name.2` and so on. One
 * writer at a time. Scope: per instance.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #size: number | undefined;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  async append(lines: readonly string[]): Promise<void> {
    const { path, maxBytes } = this.#options;
    const text = `${lines.join("\n")}\n`;
    const bytes = Buffer.byteLength(text);
    this.#size ??= await sizeOf(path);
    if (this.#size > 0 && this.#size + bytes > maxBytes) await this.#rotate();
    // What was written in part counts, too.
    this.#size += bytes;
    await appendFile(path, text);
  }

  async #rotate(): Promise<void> {
    const { path, files } = this.#options;
    for (let number = files - 1; number >= 1; number--) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      await rename(from, `${path}.${number}`).catch(ignoreMissing);
    }
    if (files === 1) await rm(path, { force: true });
    this.#size = 0;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    ignoreMissing(error);
    return 0;
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

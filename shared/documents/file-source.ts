import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { DEFAULT_LIMIT_BYTES, DocumentError, type DocumentSource } from "./document-source.ts";
import { loadedText, tooLarge } from "./text-content.ts";

/** Reads a whole file, or throws when it is larger than the limit. */
export type ReadFile = (
  path: string,
  options: { readonly limitBytes: number; readonly signal: AbortSignal },
) => Promise<Uint8Array>;

export interface FileSourceOptions {
  /** Relative paths count from the working directory. */
  readonly path: string;
  readonly limitBytes?: number;
  readonly readFile?: ReadFile;
}

/** A document in a file. */
export function fileSource({
  path,
  limitBytes = DEFAULT_LIMIT_BYTES,
  readFile = readBoundedFile,
}: FileSourceOptions): DocumentSource<string> {
  return {
    kind: "file",
    async load(knownVersion, signal) {
      // By content, not by its times: a file can change twice within the file system's resolution.
      return loadedText(await readFile(path, { limitBytes, signal }), knownVersion);
    },
  };
}

const readBoundedFile: ReadFile = async (path, { limitBytes, signal }) => {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > limitBytes) throw tooLarge(limitBytes);
    return await file.readFile({ signal });
  } catch (cause) {
    if (cause instanceof DocumentError || signal.aborted) throw cause;
    throw new DocumentError(`the file ${resolve(path)} cannot be read (${codeOf(cause)})`, {
      cause,
    });
  }
};

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";

import { TooManyBytesError } from "../core/bytes.ts";
import type { RequestBody, StoredBody } from "../core/http.ts";
import { type JsonMember, JsonMemberScanner } from "../core/json-member-scanner.ts";
import { SpoolFile } from "./spool-file.ts";

export interface StoreBodyOptions {
  /** What is taken at all. */
  readonly maxBytes: number;
  /** What is held in memory; a larger body goes to a temporary file. */
  readonly memoryBytes?: number;
  /** Names of the JSON members to look for in a body that is not held; absent for what is no JSON. */
  readonly memberNames?: ReadonlySet<string> | undefined;
  /** Estimates what a body that is not held costs as a prompt. */
  readonly meter?: BodyMeter | undefined;
  readonly folder?: string;
}

/** Sees every byte of a body once, in order. */
interface BodyMeter {
  readonly tokens: number;
  read(chunk: Uint8Array): void;
}

// A chat with a few documents fits; a picture or a recording does not.
const MEMORY_BYTES = 1024 * 1024;

/**
 * Takes a request's body to its end, so that it can be sent as often as it takes to be answered: into
 * memory while it is small, which costs no more than holding it, then into a file that nobody else sees.
 */
export async function storeBody(
  source: AsyncIterable<Uint8Array>,
  { maxBytes, memoryBytes = MEMORY_BYTES, memberNames, meter, folder }: StoreBodyOptions,
): Promise<RequestBody> {
  const chunks: Uint8Array[] = [];
  let totalBytes = 0;
  let spooled: SpooledBody | undefined;
  try {
    for await (const chunk of source) {
      totalBytes += chunk.byteLength;
      if (totalBytes > maxBytes) throw new TooManyBytesError(maxBytes);
      if (totalBytes <= memoryBytes) {
        chunks.push(chunk);
        continue;
      }
      spooled ??= new SpooledBody(await SpoolFile.open(folder), { memberNames, meter });
      for (const held of chunks.splice(0)) await spooled.append(held);
      await spooled.append(chunk);
    }
  } catch (error) {
    spooled?.close();
    throw error;
  }
  if (spooled) return spooled;
  const [first] = chunks;
  return chunks.length === 1 && first ? first : Buffer.concat(chunks, totalBytes);
}

/** Scope: one request. */
class SpooledBody implements StoredBody {
  readonly #file: SpoolFile;
  readonly #scanner: JsonMemberScanner | undefined;
  readonly #meter: BodyMeter | undefined;
  #sizeBytes = 0;
  #readers = 0;
  #isClosed = false;

  constructor(
    file: SpoolFile,
    { memberNames, meter }: Pick<StoreBodyOptions, "memberNames" | "meter">,
  ) {
    this.#file = file;
    this.#scanner = memberNames && new JsonMemberScanner(memberNames);
    this.#meter = meter;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get members(): readonly JsonMember[] {
    return this.#scanner?.end() ?? [];
  }

  get promptTokens(): number | undefined {
    return this.#meter?.tokens;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.byteLength;
    this.#scanner?.push(chunk);
    this.#meter?.read(chunk);
    await this.#file.append(chunk);
  }

  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#isClosed) throw new Error("The stored body is closed.");
    this.#readers += 1;
    try {
      yield* this.#file.read();
    } finally {
      this.#readers -= 1;
      this.#letGo();
    }
  }

  // A backend may answer before it has read everything, and what it still reads must be there.
  close(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isClosed && this.#readers === 0) void this.#file.close();
  }
}

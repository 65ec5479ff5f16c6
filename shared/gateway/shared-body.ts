import type { StoredBody } from "../core/http.ts";
import type { JsonMember } from "../core/json-member-scanner.ts";

/**
 * A stored body that more than one may need: it is let go of when the last has let go. Scope: one
 * request.
 */
export class SharedBody implements StoredBody {
  readonly #body: StoredBody;
  #holders = 1;

  constructor(body: StoredBody) {
    this.#body = body;
  }

  get sizeBytes(): number {
    return this.#body.sizeBytes;
  }

  get members(): readonly JsonMember[] {
    return this.#body.members;
  }

  get promptTokens(): number | undefined {
    return this.#body.promptTokens;
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#body.read();
  }

  /** Keeps the body for one more, who closes it too. */
  hold(): void {
    this.#holders += 1;
  }

  close(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#body.close();
  }
}

import { type HeaderList, headerValue } from "../../core/headers.ts";
import type { RequestBody } from "../../core/http.ts";
import { withUsageWish } from "../../usage/index.ts";

interface Asked {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: RequestBody | undefined;
}

/**
 * Asks backends to tell the usage of streams whose clients did not ask. A backend that refuses a request
 * for this wish is not asked again. Scope: per instance.
 */
export class UsageWishes {
  readonly #isOn: boolean;
  readonly #refusers = new Set<string>();

  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** The request's body with the wish, where one can be put in; a body on disk is not rewritten for it. */
  bodyFor(hostKey: string, { method, target, headers, body }: Asked): Uint8Array | undefined {
    if (!this.#isOn || method !== "POST" || !(body instanceof Uint8Array)) return undefined;
    if (this.#refusers.has(hostKey)) return undefined;
    if (headerValue(headers, "content-encoding") !== undefined) return undefined;
    return withUsageWish(target, body);
  }

  refusedBy(hostKey: string): void {
    this.#refusers.add(hostKey);
  }
}

/** The answer must be one from which the wish's traces can be taken: not compressed. */
export function headersWithWish(headers: HeaderList): HeaderList {
  return headers.map(([name, value]) =>
    name.toLowerCase() === "accept-encoding" ? [name, "identity"] : [name, value],
  );
}

/** Whether a refusal is about the wish alone: its backend does not know it. */
export const isWishRefusal = (text: string): boolean => text.includes("stream_options");

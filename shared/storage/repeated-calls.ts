import type { AdditionalPolicy } from "./additional-policy.ts";

/**
 * Which calls the library has sent more than once. It repeats one whose answer was lost or a 5xx, though
 * the service may have done it: the repetition then meets what the call itself has written. Scope: one client's.
 */
export class RepeatedCalls {
  readonly #sent = new WeakSet<object>();
  readonly #repeated = new WeakSet<object>();

  /** For the client's pipeline: the library passes the same request for each try. */
  readonly policy: AdditionalPolicy = {
    position: "perRetry",
    policy: {
      name: "repeatedCalls",
      sendRequest: (request, next) => {
        if (this.#sent.has(request)) this.#repeated.add(request);
        this.#sent.add(request);
        return next(request);
      },
    },
  };

  /** Whether the call that failed so had been sent before. */
  has(error: unknown): boolean {
    const { request } = Object(error) as { readonly request?: unknown };
    return typeof request === "object" && request !== null && this.#repeated.has(request);
  }
}
